# SPDX-License-Identifier: MIT OR Apache-2.0
# What `cmake --install` leaves behind: headers, libraries, plugins, the command, its
# manual page and shell completions, find_package(sokr) and pkg-config files.
#
# Two export sets: `core`, which a C program can use alone, and `host`.
include(CMakePackageConfigHelpers)

set(SOKR_INSTALL_CMAKEDIR ${CMAKE_INSTALL_LIBDIR}/cmake/sokr)

# The interfaces of plugins belong to the core's set: they are C headers.
set_target_properties(sokr_compute PROPERTIES EXPORT_NAME compute)
set_target_properties(sokr_ir PROPERTIES EXPORT_NAME ir)
install(TARGETS sokr_compute sokr_ir EXPORT sokr-targets)
install(FILES
  ${PROJECT_SOURCE_DIR}/substrates/include/sokr/compute.h
  ${PROJECT_SOURCE_DIR}/substrates/include/sokr/kernel.h
  ${PROJECT_SOURCE_DIR}/substrates/include/sokr/launch.h
  ${PROJECT_SOURCE_DIR}/substrates/include/sokr/memory.h
  ${PROJECT_SOURCE_DIR}/ir/include/sokr/image.h
  ${PROJECT_SOURCE_DIR}/ir/include/sokr/ir.h
  ${PROJECT_SOURCE_DIR}/host/include/sokr/host.h
  ${PROJECT_SOURCE_DIR}/host/include/sokr/observe.hpp
  ${PROJECT_SOURCE_DIR}/host/include/sokr/sokr.hpp
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/sokr COMPONENT development)

install(TARGETS sokr_host EXPORT sokr-host-targets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT development)
install(TARGETS sokr RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT runtime)

install(FILES ${PROJECT_SOURCE_DIR}/host/data/sokr.1
  DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT runtime)
install(FILES ${PROJECT_SOURCE_DIR}/host/data/sokr.bash RENAME sokr
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT runtime)
install(FILES ${PROJECT_SOURCE_DIR}/host/data/_sokr
  DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions COMPONENT runtime)
install(FILES ${PROJECT_SOURCE_DIR}/host/data/sokr.fish
  DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d COMPONENT runtime)
install(FILES ${PROJECT_SOURCE_DIR}/README.md
  ${PROJECT_SOURCE_DIR}/LICENSE-MIT ${PROJECT_SOURCE_DIR}/LICENSE-APACHE
  DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/sokr COMPONENT runtime)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs
  DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/sokr COMPONENT runtime FILES_MATCHING PATTERN "*.md")

# Examples: programs, our kernels as GLSL and compiled, and the arrays that the documents name.
set(arrays ${PROJECT_BINARY_DIR}/examples/x.npy ${PROJECT_BINARY_DIR}/examples/y.npy)
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/examples)
add_custom_command(OUTPUT ${arrays}
  COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/examples/make_arrays.py
    ${PROJECT_BINARY_DIR}/examples
  DEPENDS ${PROJECT_SOURCE_DIR}/examples/make_arrays.py COMMENT "Writing x.npy and y.npy" VERBATIM)
add_custom_target(example_arrays ALL DEPENDS ${arrays})
get_property(modules GLOBAL PROPERTY SOKR_SHADER_MODULES)
install(FILES ${modules} ${arrays} ${PROJECT_SOURCE_DIR}/examples/CMakeLists.txt
  ${PROJECT_SOURCE_DIR}/examples/saxpy.c ${PROJECT_SOURCE_DIR}/examples/saxpy.cpp
  DESTINATION ${CMAKE_INSTALL_DATADIR}/sokr/examples COMPONENT development)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/shaders/
  DESTINATION ${CMAKE_INSTALL_DATADIR}/sokr/examples COMPONENT development
  FILES_MATCHING PATTERN "*.comp" PATTERN "*.spvasm" PATTERN "*.wgsl")

# ---- find_package(sokr [COMPONENTS core host]) ------------------------------------------
install(EXPORT sokr-targets FILE sokr-core-targets.cmake NAMESPACE sokr::
  DESTINATION ${SOKR_INSTALL_CMAKEDIR} COMPONENT development)
install(EXPORT sokr-host-targets FILE sokr-host-targets.cmake NAMESPACE sokr::
  DESTINATION ${SOKR_INSTALL_CMAKEDIR} COMPONENT development)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/templates/sokr-config.cmake.in
  ${PROJECT_BINARY_DIR}/install/sokr-config.cmake
  INSTALL_DESTINATION ${SOKR_INSTALL_CMAKEDIR} PATH_VARS SOKR_INSTALL_PLUGINDIR)
# Before 1.0 a minor version may break the interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/install/sokr-config-version.cmake
  VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/install/sokr-config.cmake
  ${PROJECT_BINARY_DIR}/install/sokr-config-version.cmake
  DESTINATION ${SOKR_INSTALL_CMAKEDIR} COMPONENT development)

# ---- pkg-config: the prefix is found from where the file lies ---------------------------
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}" OR IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
  set(SOKR_PC_PREFIX ${CMAKE_INSTALL_PREFIX})
  set(SOKR_PC_LIBDIR ${CMAKE_INSTALL_FULL_LIBDIR})
  set(SOKR_PC_INCLUDEDIR ${CMAKE_INSTALL_FULL_INCLUDEDIR})
else()
  file(RELATIVE_PATH up /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
  string(REGEX REPLACE "/$" "" up ${up})
  set(SOKR_PC_PREFIX "\${pcfiledir}/${up}")
  set(SOKR_PC_LIBDIR "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
  set(SOKR_PC_INCLUDEDIR "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
foreach(package sokr sokr-core)
  configure_file(${CMAKE_CURRENT_LIST_DIR}/templates/${package}.pc.in
    ${PROJECT_BINARY_DIR}/install/${package}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/install/${package}.pc
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)
endforeach()

# What `cmake --install` takes from the build tree.
add_custom_target(installed)
add_dependencies(installed plugins sokr sokr_host sokr_core sokr_core_static shaders example_arrays)
if(TARGET sokr_vulkan_driver)
  add_dependencies(installed sokr_vulkan_driver)
endif()
