# SPDX-License-Identifier: MIT OR Apache-2.0
cmake_minimum_required(VERSION 3.25)
# cmake -DABIDIFF=abidiff -DREFERENCE=abi.xml -DLIBRARY=libsokr-core.so -DHEADERS=dir [-DWRITE=abidw] -P check_abi.cmake
# Any difference fails, also a compatible one: then the reference is written anew, on purpose.
if(WRITE)
  execute_process(COMMAND ${WRITE} --no-corpus-path --no-show-locs --no-comp-dir-path --headers-dir ${HEADERS}
    --out-file ${REFERENCE} ${LIBRARY} COMMAND_ERROR_IS_FATAL ANY)
  file(READ ${REFERENCE} text)
  string(REGEX REPLACE " path='[^']*/([^'/]+)'" " path='\\1'" text "${text}")
  file(WRITE ${REFERENCE} "${text}")
  return()
endif()
if(NOT ABIDIFF)
  message("skipped: no abidiff here; Debian package abigail-tools")
  return()
endif()
execute_process(COMMAND ${ABIDIFF} --harmless --headers-dir2 ${HEADERS} ${REFERENCE} ${LIBRARY}
  RESULT_VARIABLE result OUTPUT_VARIABLE report ERROR_VARIABLE report)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "The ABI is not that of ${REFERENCE}. If this is meant, build the target core_abi_reference.\n${report}")
endif()
