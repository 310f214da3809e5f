"""PySide6 in the place of PythonQt, and slicer-core with stand-ins in the place of Slicer.

It shows that the module is wired as it should be and what its panel looks like. It does not show
PythonQt's own crashes; the same scenarios stand in ``ActiveSuggestTest`` for a real Slicer.
"""
