"""The ActiveSuggest module for Slicer: its panels, its session, and the case in the scene."""
