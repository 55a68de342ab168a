"""Time and memory of every component against the number of examples."""
