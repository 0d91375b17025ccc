"""The real parts that tests run against, each started by a fixture of its own."""
