# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs spirv-val over MODULES, for the newest environment: it accepts all older versions.
foreach(module IN LISTS MODULES)
  execute_process(COMMAND ${SPIRV_VAL} --target-env vulkan1.3 ${module}
    RESULT_VARIABLE result ERROR_VARIABLE text OUTPUT_VARIABLE text)
  if(NOT result EQUAL 0)
    message(SEND_ERROR "${module}: ${text}")
  endif()
endforeach()
