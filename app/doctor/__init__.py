"""Looks at a house, a feed or mail and says in words what is wrong and what to do."""
