"""What our mails say and how they leave the house. Knows no HTTP and no tables."""
