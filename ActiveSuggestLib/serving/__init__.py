"""The parts of the worker: requests, tasks, answers and output files."""
