# SPDX-License-Identifier: MIT OR Apache-2.0
cmake_minimum_required(VERSION 3.25)
# cmake -DNM=nm -DREADELF=readelf -DOBJECT=core.o -P check_symbols.cmake
# A freestanding object needs at most the four functions that every freestanding
# compiler may call, and runs nothing before main.
execute_process(COMMAND ${NM} -u ${OBJECT} OUTPUT_VARIABLE undefined COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[Uwv] [^ \n]+" undefined "${undefined}")
foreach(entry IN LISTS undefined)
  string(REGEX REPLACE "^. " "" symbol "${entry}")
  if(NOT symbol MATCHES "^(memcpy|memmove|memset|memcmp|_GLOBAL_OFFSET_TABLE_)$")
    message(SEND_ERROR "${OBJECT} needs ${symbol}; only memcpy, memmove, memset and memcmp are allowed")
  endif()
endforeach()
execute_process(COMMAND ${READELF} -SW ${OBJECT} OUTPUT_VARIABLE sections COMMAND_ERROR_IS_FATAL ANY)
foreach(section init_array fini_array ctors dtors tbss tdata gcc_except_table)
  if(sections MATCHES "\\.${section}[ .]")
    message(SEND_ERROR "${OBJECT} has a section .${section}: no code before main, no thread-local storage, no exceptions")
  endif()
endforeach()
message(STATUS "${OBJECT} is freestanding")
