"""Reports, plots and pictures of a simulation."""
