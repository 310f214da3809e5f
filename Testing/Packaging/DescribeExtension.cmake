# The place of Slicer's packager: writes down what it would put into the extension's description.
set(_description "{\n  \"name\": \"${PROJECT_NAME}\"")
foreach(_key HOMEPAGE CATEGORY CONTRIBUTORS DESCRIPTION ICONURL SCREENSHOTURLS DEPENDS)
  if(NOT DEFINED EXTENSION_${_key} OR "${EXTENSION_${_key}}" STREQUAL "")
    message(FATAL_ERROR "EXTENSION_${_key} is not set")
  endif()
  string(APPEND _description ",\n  \"${_key}\": \"${EXTENSION_${_key}}\"")
endforeach()
file(WRITE "${CMAKE_BINARY_DIR}/description.json" "${_description}\n}\n")
