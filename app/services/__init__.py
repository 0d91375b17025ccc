"""What the house does, a module per subject. Knows no HTTP; never commits: its caller does."""
