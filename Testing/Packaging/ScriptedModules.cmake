find_package(Python3 REQUIRED COMPONENTS Interpreter)

function(slicerMacroBuildScriptedModule)
  cmake_parse_arguments(_module "WITH_GENERIC_TESTS;WITH_SUBDIR;VERBOSE" "NAME" "SCRIPTS;RESOURCES"
    ${ARGN})
  if(_module_UNPARSED_ARGUMENTS OR NOT _module_NAME)
    message(FATAL_ERROR "NAME is mandatory; unknown: ${_module_UNPARSED_ARGUMENTS}")
  endif()
  if(_module_WITH_SUBDIR)
    message(FATAL_ERROR "WITH_SUBDIR is not part of these stand-ins.")
  endif()

  set(_destination "${CMAKE_BINARY_DIR}/${Slicer_QTSCRIPTEDMODULES_LIB_DIR}")
  set(_copied)
  set(_scripts)
  foreach(_file IN LISTS _module_SCRIPTS _module_RESOURCES)
    set(_source "${CMAKE_CURRENT_SOURCE_DIR}/${_file}")
    if(NOT EXISTS "${_source}")
      message(FATAL_ERROR "${_module_NAME}: nonexistent file '${_file}'")
    endif()
    set(_target "${_destination}/${_file}")
    add_custom_command(OUTPUT "${_target}" DEPENDS "${_source}"
      COMMAND ${CMAKE_COMMAND} -E copy "${_source}" "${_target}")
    list(APPEND _copied "${_target}")
    if(_file MATCHES "\\.py$")
      list(APPEND _scripts "${_target}")
    endif()
  endforeach()

  list(JOIN _scripts "\n" _lines)
  file(WRITE "${CMAKE_CURRENT_BINARY_DIR}/${_module_NAME}-scripts.txt" "${_lines}\n")
  add_custom_command(OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/${_module_NAME}-compiled"
    DEPENDS ${_copied}
    COMMAND ${Python3_EXECUTABLE} -m compileall -q
      -i "${CMAKE_CURRENT_BINARY_DIR}/${_module_NAME}-scripts.txt"
    COMMAND ${CMAKE_COMMAND} -E touch "${CMAKE_CURRENT_BINARY_DIR}/${_module_NAME}-compiled")
  add_custom_target(Compile${_module_NAME}PythonFiles ALL
    DEPENDS "${CMAKE_CURRENT_BINARY_DIR}/${_module_NAME}-compiled")

  install(DIRECTORY "${_destination}/" DESTINATION "${Slicer_INSTALL_QTSCRIPTEDMODULES_LIB_DIR}"
    USE_SOURCE_PERMISSIONS)
endfunction()
