"""Looks at what stands outside this program and says in words what is wrong with it."""
