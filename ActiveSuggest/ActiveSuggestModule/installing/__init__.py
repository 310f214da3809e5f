"""Installing what the worker needs without changing anything that is already there."""
