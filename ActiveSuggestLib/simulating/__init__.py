"""The parts of a simulation: known cases, splits, rounds and curves."""
