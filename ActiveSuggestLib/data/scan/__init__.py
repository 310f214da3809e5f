"""From a folder of files to cases: what belongs together, what it is called, and whose it is."""
