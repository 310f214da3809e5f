"""Stand-ins for the parts of Slicer's Python that slicer-core does not bring."""
