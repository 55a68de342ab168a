"""A first settings file for a table that nobody has described yet: looked at, guessed, written."""
