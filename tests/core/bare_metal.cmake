# SPDX-License-Identifier: MIT OR Apache-2.0
cmake_minimum_required(VERSION 3.25)
# cmake -DNAME=cortex-m3 -DPREFIX=arm-none-eabi- -DQEMU=qemu-system-arm -DPACKAGES="..." -DSOURCE=... -DBINARY=...
#   -P bare_metal.cmake
# Builds the core with a cross compiler, looks at its object file, runs its self-test in QEMU.
foreach(tool ${PREFIX}gcc ${PREFIX}g++ ${PREFIX}nm ${PREFIX}readelf ${QEMU})
  find_program(found ${tool} NO_CACHE)
  if(NOT found)
    message("skipped: no ${tool} here; Debian packages ${PACKAGES}")
    return()
  endif()
  unset(found)
endforeach()
foreach(slots 2 64)
  set(binary ${BINARY}-${slots})
  execute_process(COMMAND ${CMAKE_COMMAND} -G ${GENERATOR} -S ${SOURCE}/sokr-core -B ${binary}
    --toolchain ${SOURCE}/cmake/toolchain-${NAME}.cmake -DCMAKE_BUILD_TYPE=MinSizeRel
    -DSOKR_MAX_SUBSTRATES=${slots} -DCMAKE_COMPILE_WARNING_AS_ERROR=ON COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${CMAKE_COMMAND} --build ${binary} COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${CMAKE_COMMAND} -DNM=${PREFIX}nm -DREADELF=${PREFIX}readelf
    -DOBJECT=${binary}/libsokr-core.a -P ${CMAKE_CURRENT_LIST_DIR}/check_symbols.cmake
    COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${CMAKE_CTEST_COMMAND} --test-dir ${binary} --output-on-failure --no-tests=error
    COMMAND_ERROR_IS_FATAL ANY)
endforeach()
