"""The case in Slicer's scene: volume, segmentation and uncertainty in, the edited mask out."""
