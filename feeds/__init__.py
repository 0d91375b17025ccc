"""What a listener may hear, and its RSS. Knows no web framework, no database, no clock."""
