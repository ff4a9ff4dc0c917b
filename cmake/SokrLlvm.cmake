# SPDX-License-Identifier: MIT OR Apache-2.0
# The LLVM that the CPU substrate compiles with: LLVM_FOUND, LLVM_DIR and what else LLVM says.
#
# The compiler is tuned with LLVM 19; the others are what a distribution has instead of it.
# LLVM_DIR names another than the first of these.
set(SOKR_LLVM_VERSIONS 19 20 21 22 18 CACHE STRING "LLVM versions that are looked for, best first")
set(SOKR_LLVM_PREFIX /usr/lib/llvm- CACHE STRING "Where they are: this, and the version behind it")
mark_as_advanced(SOKR_LLVM_PREFIX)
set(given ${LLVM_DIR})
foreach(version IN LISTS SOKR_LLVM_VERSIONS)
  if(NOT LLVM_DIR)
    find_package(LLVM CONFIG QUIET NO_DEFAULT_PATH PATHS ${SOKR_LLVM_PREFIX}${version})
  endif()
endforeach()
find_package(LLVM CONFIG QUIET)
if(LLVM_FOUND AND NOT LLVM_VERSION_MAJOR IN_LIST SOKR_LLVM_VERSIONS)
  message(STATUS "sokr: LLVM ${LLVM_PACKAGE_VERSION} (LLVM_DIR is ${LLVM_DIR}) is none of ${SOKR_LLVM_VERSIONS}")
  set(LLVM_FOUND FALSE)
  # Unless somebody named it, it is forgotten: another may be there when this is run again.
  if(NOT given)
    unset(LLVM_DIR CACHE)
  endif()
endif()
if(NOT LLVM_FOUND)
  message(STATUS "sokr: no LLVM 18 to 22 (llvm-19-dev): the CPU substrate is left out")
elseif(NOT LLVM_VERSION_MAJOR EQUAL 19)
  message(STATUS "sokr: LLVM ${LLVM_PACKAGE_VERSION}, not 19 (llvm-19-dev): the CPU substrate may be slower")
endif()
