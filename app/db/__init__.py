"""The tables and how to reach them. Knows no HTTP and no rules."""
