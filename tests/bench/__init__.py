"""How fast polls are, as a ratio to a bare Flask view on the same server: `scripts/bench`."""
