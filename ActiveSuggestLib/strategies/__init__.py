"""What is worth labelling: one file a strategy, and their registry."""
