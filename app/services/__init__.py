"""What the house does: one module per subject. Knows no HTTP; never commits, its caller's edge does."""
