"""The kill drill: runs that are killed again and again, and what they leave."""
