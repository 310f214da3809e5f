"""Image files in every format: recognised, checked to be whole, and read."""
