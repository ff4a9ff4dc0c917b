# SPDX-License-Identifier: MIT OR Apache-2.0
# Which libstdc++ the compiler builds against, which is not the compiler's own version where that is
# not GCC. As a script, `cmake -DCMAKE_CXX_COMPILER=FILE -P SokrLibstdcxx.cmake` prints it.

# The major version; empty for another C++ library.
function(sokr_find_libstdcxx_release out)
  execute_process(COMMAND ${CMAKE_CXX_COMPILER} -E -dM -x c++ -include cstddef /dev/null
    OUTPUT_VARIABLE macros ERROR_QUIET)
  if(NOT macros MATCHES "#define _GLIBCXX_RELEASE ([0-9]+)")
    set(CMAKE_MATCH_1)
  endif()
  set(${out} ${CMAKE_MATCH_1} PARENT_SCOPE)
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  sokr_find_libstdcxx_release(release)
  message(NOTICE "${release}")
endif()
