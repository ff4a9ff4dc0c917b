# SPDX-License-Identifier: MIT OR Apache-2.0
# Headers of libraries, compiled once for all targets that are compiled alike: of three tests that
# spared gcc 22 to 29 % of its time. -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON goes without.
set(SOKR_PRECOMPILED_DIR ${CMAKE_CURRENT_LIST_DIR}/precompiled)

# Tests are compiled once and run once: less optimization is quicker as a whole, and with a
# sanitizer, of whose checks the compiler takes long to make anything, none.
function(sokr_test_defaults target)
  sokr_target_defaults(${target})
  set(level -O1)
  if(SOKR_SANITIZER)
    set(level -O0)
  endif()
  target_compile_options(${target} PRIVATE $<$<CONFIG:RelWithDebInfo>:${level}>)
endfunction()

add_library(sokr_precompiled_library STATIC ${SOKR_PRECOMPILED_DIR}/main.cpp)
add_executable(sokr_precompiled_program ${SOKR_PRECOMPILED_DIR}/main.cpp)
foreach(kind library program)
  sokr_target_defaults(sokr_precompiled_${kind})
  target_link_libraries(sokr_precompiled_${kind} PRIVATE fmt::fmt)
  target_precompile_headers(sokr_precompiled_${kind} PRIVATE ${SOKR_PRECOMPILED_DIR}/standard.hpp)
endforeach()
if(SOKR_BUILD_TESTS)
  add_executable(sokr_precompiled_test ${SOKR_PRECOMPILED_DIR}/main.cpp)
  sokr_test_defaults(sokr_precompiled_test)
  target_link_libraries(sokr_precompiled_test PRIVATE fmt::fmt GTest::gtest)
  target_precompile_headers(sokr_precompiled_test PRIVATE ${SOKR_PRECOMPILED_DIR}/test.hpp)
endif()

# sokr_precompile(target library|program|test): for C++ only. Whether or not a target links fmt,
# the compiler wants the same macros that the headers were compiled with.
function(sokr_precompile target kind)
  get_target_property(sources ${target} SOURCES)
  if(NOT sources MATCHES "\\.c(;|$)")
    target_precompile_headers(${target} REUSE_FROM sokr_precompiled_${kind})
    target_compile_definitions(${target} PRIVATE
      $<TARGET_PROPERTY:fmt::fmt,INTERFACE_COMPILE_DEFINITIONS>)
  endif()
endfunction()
