# The place of Slicer's script that writes a <extension>Config.cmake: no other extension needs ours.
