# SPDX-License-Identifier: MIT OR Apache-2.0
# Helper functions: how every target of the project is built.
include(GNUInstallDirs)
include(CTest)

set(CMAKE_C_STANDARD 17)
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()
# Line tables are all that a stack trace needs; full debug information costs a third of the
# build. -DCMAKE_BUILD_TYPE=Debug has it.
if(PROJECT_IS_TOP_LEVEL)
  set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG")
  set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG")
endif()

# Everything that runs is found in two folders, in the build tree as installed:
# programs in bin/, plugins in lib/sokr/.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(SOKR_PLUGIN_OUTPUT_DIR ${PROJECT_BINARY_DIR}/lib/sokr)
set(SOKR_INSTALL_PLUGINDIR ${CMAKE_INSTALL_LIBDIR}/sokr)
file(RELATIVE_PATH SOKR_LIBRARIES_FROM_PROGRAMS
  ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})

# What `./dev` builds: all installed plugins, all fuzz targets, all benchmarks.
add_custom_target(plugins)
add_custom_target(fuzzers)
add_custom_target(benchmarks)
set(SOKR_FUZZ_SECONDS 4 CACHE STRING "Seconds that ctest runs each fuzz target")

# Warnings, visibility and sanitizers for one of our own targets.
function(sokr_target_defaults target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wno-missing-field-initializers)
  # gcc 12 takes `std::string + "text"`, and what is appended to a vector, for accesses out of bounds.
  target_compile_options(${target} PRIVATE
    "$<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-array-bounds;-Wno-restrict;-Wno-stringop-overflow>")
  set_target_properties(${target} PROPERTIES
    CXX_VISIBILITY_PRESET hidden C_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  if(SOKR_SANITIZER)
    target_compile_options(${target} PRIVATE -fsanitize=${SOKR_SANITIZER} -fno-omit-frame-pointer
      $<$<CONFIG:RelWithDebInfo>:-O1> -fno-sanitize-recover=all)
    target_link_options(${target} PRIVATE -fsanitize=${SOKR_SANITIZER})
  endif()
  # What fuzz targets link counts where it has been.
  get_target_property(kind ${target} TYPE)
  if(SOKR_BUILD_FUZZERS AND kind MATCHES "_LIBRARY$")
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
endfunction()

# Sources that ThreadSanitizer must not instrument, because what orders their accesses lies in
# a library that it does not see. Optimized, so that no inline function of theirs is left to
# take the place of an instrumented one.
function(sokr_without_thread_sanitizer)
  if(SOKR_SANITIZER STREQUAL "thread")
    set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS "-fno-sanitize=thread;-O2"
      SKIP_PRECOMPILE_HEADERS ON)
  endif()
endfunction()

# The presets of the sanitizers compile several sources of a target at once, which takes two thirds
# of the time (CMAKE_UNITY_BUILD). Sources that cannot be, because what they keep to themselves has
# a name of which another source of theirs has one of its own.
function(sokr_compiled_alone)
  set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

# sokr_add_library(name [STATIC|SHARED|OBJECT] SOURCES ... [PUBLIC libs] [PRIVATE libs]
# [PRECOMPILED header]) creates target sokr_<name> with alias sokr::<name>; headers are in
# ./include if that exists. PRECOMPILED: a header of its own is compiled once, not the usual ones.
function(sokr_add_library name)
  cmake_parse_arguments(arg "STATIC;SHARED;OBJECT" "PRECOMPILED" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  set(kind STATIC)
  if(arg_SHARED)
    set(kind SHARED)
  elseif(arg_OBJECT)
    set(kind OBJECT)
  endif()
  add_library(sokr_${name} ${kind} ${arg_SOURCES})
  add_library(sokr::${name} ALIAS sokr_${name})
  sokr_target_defaults(sokr_${name})
  if(arg_PRECOMPILED)
    target_precompile_headers(sokr_${name} PRIVATE ${arg_PRECOMPILED})
  else()
    sokr_precompile(sokr_${name} library)
  endif()
  if(IS_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/include)
    target_include_directories(sokr_${name} PUBLIC
      $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  endif()
  target_link_libraries(sokr_${name} PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
endfunction()

# sokr_add_plugin(name SOURCES ... [LIBS ...]): a loadable substrate or IR plugin,
# <name>.so in the plugin folder, installed with the rest.
function(sokr_add_plugin name)
  cmake_parse_arguments(arg "NO_INSTALL" "" "SOURCES;LIBS" ${ARGN})
  set(target sokr_plugin_${name})
  add_library(${target} MODULE ${arg_SOURCES})
  sokr_target_defaults(${target})
  sokr_precompile(${target} library)
  target_link_libraries(${target} PRIVATE ${arg_LIBS})
  # No symbol of a static library that the plugin contains leaves it.
  target_link_options(${target} PRIVATE -Wl,--exclude-libs,ALL)
  # A plugin that is not installed lies where no program finds it by itself.
  set(folder ${SOKR_PLUGIN_OUTPUT_DIR})
  if(arg_NO_INSTALL)
    set(folder ${PROJECT_BINARY_DIR}/lib/sokr-uninstalled)
  endif()
  set_target_properties(${target} PROPERTIES PREFIX "" OUTPUT_NAME sokr-${name}
    LIBRARY_OUTPUT_DIRECTORY ${folder})
  if(NOT arg_NO_INSTALL)
    add_dependencies(plugins ${target})
    install(TARGETS ${target} LIBRARY DESTINATION ${SOKR_INSTALL_PLUGINDIR} COMPONENT runtime)
  endif()
endfunction()

# sokr_add_test(name SOURCES ... [LIBS ...] [LABELS ...] [TIMEOUT s] [COST s]): a GoogleTest
# program; ctest runs it as one test, and shows of it only what failed. COST: about how long it
# takes where that is a minute or more; ctest begins with those.
function(sokr_add_test name)
  cmake_parse_arguments(arg "" "TIMEOUT;COST" "SOURCES;LIBS;LABELS;ENV" ${ARGN})
  add_executable(test_${name} ${arg_SOURCES})
  sokr_test_defaults(test_${name})
  sokr_precompile(test_${name} test)
  target_link_libraries(test_${name} PRIVATE ${arg_LIBS} GTest::gtest GTest::gtest_main)
  add_test(NAME ${name} COMMAND test_${name})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "${arg_LABELS}"
    ENVIRONMENT "GTEST_BRIEF=1;SOKR_PLUGIN_PATH=${SOKR_PLUGIN_OUTPUT_DIR};${arg_ENV}")
  if(arg_COST)
    set_tests_properties(${name} PROPERTIES COST ${arg_COST})
  endif()
endfunction()

# sokr_add_fuzzer(name SOURCES ... [LIBS ...] [CORPUS dir] [SMALL] [ENV ...]): a libFuzzer target,
# built with SOKR_BUILD_FUZZERS; ctest runs it for a few seconds. SMALL: what is read is small, so
# that a single allocation of 64 MiB is a finding.
function(sokr_add_fuzzer name)
  cmake_parse_arguments(arg "SMALL" "CORPUS" "SOURCES;LIBS;ENV" ${ARGN})
  if(NOT SOKR_BUILD_FUZZERS)
    return()
  endif()
  set(limits -timeout=20 -rss_limit_mb=4096)
  if(arg_SMALL)
    set(limits -timeout=5 -rss_limit_mb=1024 -malloc_limit_mb=64)
  endif()
  add_executable(fuzz_${name} ${arg_SOURCES})
  add_dependencies(fuzzers fuzz_${name})
  sokr_target_defaults(fuzz_${name})
  target_link_libraries(fuzz_${name} PRIVATE ${arg_LIBS})
  target_include_directories(fuzz_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/fuzzing)
  target_compile_options(fuzz_${name} PRIVATE -fsanitize=fuzzer-no-link)
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  set(work ${CMAKE_CURRENT_BINARY_DIR}/corpus_${name})
  file(MAKE_DIRECTORY ${work})
  add_test(NAME fuzz_${name} COMMAND fuzz_${name} -max_total_time=${SOKR_FUZZ_SECONDS} ${limits}
    -print_final_stats=1 ${work} ${arg_CORPUS})
  set_tests_properties(fuzz_${name} PROPERTIES TIMEOUT 300 LABELS fuzz ENVIRONMENT "${arg_ENV}")
endfunction()

# sokr_add_shaders(target SOURCES a.comp b.spvasm ... [FLAGS ...]): compiles GLSL with
# glslc and assembly with spirv-as into ${CMAKE_CURRENT_BINARY_DIR}/<name>.spv. A GLSL
# file may set its flags in a first line "// glslc: --target-env=vulkan1.1 -DX=1". GLSL is
# optimized unless -O0 is among the flags. spirv-opt does that, with the passes of glslc -O,
# which would strip the names that `sokr inspect` shows; it allows every layout that Vulkan does.
function(sokr_add_shaders target)
  cmake_parse_arguments(arg "" "" "SOURCES;FLAGS" ${ARGN})
  set(outputs)
  foreach(source IN LISTS arg_SOURCES)
    get_filename_component(name ${source} NAME)
    get_filename_component(absolute ${source} ABSOLUTE)
    set(output ${CMAKE_CURRENT_BINARY_DIR}/${name}.spv)
    string(REGEX REPLACE "\\.(comp|spvasm)\\.spv$" ".spv" output ${output})
    file(STRINGS ${absolute} flags LIMIT_COUNT 1 REGEX "^(//|;) (glslc|spirv-as):")
    string(REGEX REPLACE "^.*(glslc|spirv-as):" "" flags "${flags}")
    separate_arguments(flags UNIX_COMMAND "${flags}")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${absolute})
    if(source MATCHES "\\.spvasm$")
      if(NOT flags)
        set(flags --target-env vulkan1.3)
      endif()
      add_custom_command(OUTPUT ${output} DEPENDS ${absolute}
        COMMAND ${SPIRV_AS} ${flags} -o ${output} ${absolute}
        COMMENT "Assembling ${name}" VERBATIM)
    else()
      if(NOT flags MATCHES "--target-env")
        list(APPEND flags --target-env=vulkan1.2)
      endif()
      set(optimize)
      if(NOT "-O0" IN_LIST flags AND NOT "-O0" IN_LIST arg_FLAGS)
        set(environment ${flags})
        list(FILTER environment INCLUDE REGEX "^--target-env=")
        set(optimize COMMAND ${SPIRV_OPT} -O --scalar-block-layout ${environment} -o ${output} ${output})
      endif()
      add_custom_command(OUTPUT ${output} DEPENDS ${absolute}
        COMMAND ${GLSLC} -fshader-stage=compute -O0 ${flags} ${arg_FLAGS} -MD -MF ${output}.d -o ${output} ${absolute}
        ${optimize}
        DEPFILE ${output}.d COMMENT "Compiling ${name}" VERBATIM)
    endif()
    list(APPEND outputs ${output})
  endforeach()
  add_custom_target(${target} ALL DEPENDS ${outputs})
  set_target_properties(${target} PROPERTIES SOKR_SPV_DIR ${CMAKE_CURRENT_BINARY_DIR})
endfunction()

# sokr_add_benchmark(name SOURCES ... [LIBS ...]): a program that prints one flat JSON
# object of name to number on stdout; sokr-bench-all runs it and merges the objects.
function(sokr_add_benchmark name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBS" ${ARGN})
  add_executable(bench_${name} ${arg_SOURCES})
  sokr_target_defaults(bench_${name})
  sokr_precompile(bench_${name} program)
  target_link_libraries(bench_${name} PRIVATE ${arg_LIBS})
  add_dependencies(benchmarks bench_${name})
  set_property(GLOBAL APPEND PROPERTY SOKR_BENCHMARKS bench_${name})
endfunction()
