"""Picture files, and what is known of them, into a dataset."""
