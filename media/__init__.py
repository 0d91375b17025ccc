"""Sound files: what they are, what is wrong with them, and where their bytes lie."""
