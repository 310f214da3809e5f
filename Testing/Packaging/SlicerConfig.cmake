# What find_package(Slicer) gives to an extension, as far as packaging goes: written for the tests,
# after the behaviour of Slicer's and CTK's macros, so that no Slicer build is needed.
#
# What it keeps of the behaviour that matters: a script given by a relative path is copied to that
# same relative path below the destination; one that is not listed is not copied; a listed one that
# does not exist stops the configuration; the whole destination is installed; each script is
# compiled.
#
# With ACTIVESUGGEST_SLICER_CMAKE and ACTIVESUGGEST_CTK_CMAKE (the CMake folders of a Slicer and a
# CTK source tree) the real macros are used in the place of these.

set(Slicer_USE_FILE "${CMAKE_CURRENT_LIST_DIR}/UseSlicer.cmake")
set(Slicer_EXTENSION_GENERATE_CONFIG "${CMAKE_CURRENT_LIST_DIR}/Nothing.cmake")
set(Slicer_EXTENSION_CPACK "${CMAKE_CURRENT_LIST_DIR}/DescribeExtension.cmake")
set(Slicer_QTSCRIPTEDMODULES_LIB_DIR "lib/Slicer-5.12/qt-scripted-modules")
set(Slicer_INSTALL_QTSCRIPTEDMODULES_LIB_DIR "lib/Slicer-5.12/qt-scripted-modules")
set(Slicer_USE_PYTHONQT ON)
set(Slicer_FOUND TRUE)
