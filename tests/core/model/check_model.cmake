# SPDX-License-Identifier: MIT OR Apache-2.0
# cmake -DSPIN=spin -DCC=cc -DMODEL=registry.pml -DWORK=dir -P check_model.cmake
# The model holds, and each of its mutants is caught.
cmake_minimum_required(VERSION 3.25)
if(NOT SPIN)
  message("skipped: no spin here; Debian package spin")
  return()
endif()
file(MAKE_DIRECTORY ${WORK})

# check(expected define...): `expected` is holds or fails.
function(check expected)
  execute_process(COMMAND ${SPIN} ${ARGN} -a ${MODEL} WORKING_DIRECTORY ${WORK} COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${CC} -w -O0 -DSAFETY -DMEMLIM=2000 -o pan pan.c WORKING_DIRECTORY ${WORK}
    COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ./pan -m100000 -n WORKING_DIRECTORY ${WORK} OUTPUT_VARIABLE report ERROR_VARIABLE report)
  string(JOIN " " variant ${ARGN})
  if(NOT report MATCHES "errors: ([0-9]+)")
    message(FATAL_ERROR "spin gave no answer for '${variant}':\n${report}")
  endif()
  set(errors ${CMAKE_MATCH_1})
  if(report MATCHES "max search depth too small|reached -DMEMLIM bound|Search not completed" AND expected STREQUAL "holds")
    message(SEND_ERROR "spin did not see all states of '${variant}':\n${report}")
  elseif(expected STREQUAL "holds" AND NOT errors EQUAL 0)
    message(SEND_ERROR "the model does not hold with '${variant}':\n${report}")
  elseif(expected STREQUAL "fails" AND errors EQUAL 0)
    message(SEND_ERROR "the mutant '${variant}' was not caught")
  endif()
  message(STATUS "'${variant}' ${expected}, as it should")
endfunction()

check(holds)
check(holds -DLISTING)
foreach(mutant CHECK_THEN_COUNT NO_RECHECK DESTROY_FIRST ONE_STRIPE ID_COMES_BACK STATE_WITHOUT_ID FORGETS_TO_LEAVE)
  check(fails -DM_${mutant})
endforeach()
check(fails -DLISTING -DM_LIST_ONCE)
