# SPDX-License-Identifier: MIT OR Apache-2.0
# `./dev package`: a relocatable tarball and a .deb that run on every later system, too.
#
# What Debian and Ubuntu differ in (fmt, TBB, xxHash) is installed beside the plugins, in a folder
# where nothing but SOKR looks; LLVM is inside the compiler library. What is left is what the
# package names: the C and C++ runtimes, zlib, zstd.
function(sokr_bundle library)
  get_filename_component(file ${library} REALPATH)
  execute_process(COMMAND ${CMAKE_READELF} -d ${file} OUTPUT_VARIABLE dynamic
    COMMAND_ERROR_IS_FATAL ANY)
  if(NOT dynamic MATCHES "Library soname: \\[([^]]+)\\]")
    message(FATAL_ERROR "${file} has no soname: it cannot be shipped beside the plugins")
  endif()
  install(FILES ${file} DESTINATION ${SOKR_INSTALL_PLUGINDIR}/bundled RENAME ${CMAKE_MATCH_1}
    PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ COMPONENT runtime)
endfunction()

include(SokrLibstdcxx)

# Where the installed files look for it; the paths are seen from their folders.
function(sokr_find_bundled target bundled)
  if(TARGET ${target})
    set_property(TARGET ${target} APPEND PROPERTY INSTALL_RPATH $ORIGIN/${bundled})
  endif()
endfunction()

if(SOKR_BUNDLE)
  foreach(target fmt::fmt TBB::tbb)
    foreach(property IMPORTED_LOCATION_RELEASE IMPORTED_LOCATION_NONE IMPORTED_LOCATION)
      get_target_property(location ${target} ${property})
      if(location)
        sokr_bundle(${location})
        break()
      endif()
    endforeach()
    if(NOT location)
      message(FATAL_ERROR "${target} has no file that could be shipped beside the plugins")
    endif()
  endforeach()
  sokr_bundle(${XXHASH_LINK_LIBRARIES})
  sokr_find_bundled(sokr ${SOKR_LIBRARIES_FROM_PROGRAMS}/sokr/bundled)
  sokr_find_bundled(sokr_host sokr/bundled)
  sokr_find_bundled(sokr_cpu_compiler_library ../bundled)
  foreach(plugin ir-spirv reference vulkan cpu)
    sokr_find_bundled(sokr_plugin_${plugin} bundled)
  endforeach()
  sokr_find_bundled(sokr_vulkan_probe bundled)
endif()

sokr_find_libstdcxx_release(libstdcxx)
if(NOT libstdcxx)
  message(STATUS "sokr: ${CMAKE_CXX_COMPILER} does not use libstdc++, which the .deb depends on: no package")
  return()
endif()
set(CPACK_GENERATOR TGZ DEB)
set(CPACK_MONOLITHIC_INSTALL ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_NAME sokr)
set(CPACK_PACKAGE_VENDOR sokr)
set(CPACK_PACKAGE_CONTACT "the SOKR authors <sokr@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "runs compute kernels on whatever substrate the machine has")
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/package)
execute_process(COMMAND getconf GNU_LIBC_VERSION OUTPUT_VARIABLE libc OUTPUT_STRIP_TRAILING_WHITESPACE)
string(REGEX REPLACE "^glibc " "" libc "${libc}")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_PACKAGING_INSTALL_PREFIX_DEB /usr)
set(CPACK_DEBIAN_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_PACKAGE_DEPENDS
  "libc6 (>= ${libc}), libstdc++6 (>= ${libstdcxx}), libgcc-s1, zlib1g, libzstd1")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "libvulkan1, mesa-vulkan-drivers")
include(CPack)
