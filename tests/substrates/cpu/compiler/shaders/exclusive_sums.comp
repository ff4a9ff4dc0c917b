// SPDX-License-Identifier: MIT OR Apache-2.0
// Sums of those before, bit by bit: nothing is 0, not -0.
#version 450
#extension GL_KHR_shader_subgroup_arithmetic : require
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) readonly buffer In { float data[]; };
layout(set = 0, binding = 1) buffer Out { uint result[]; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  result[2 * i] = floatBitsToUint(subgroupExclusiveAdd(data[i]));
  if (i % 5 > 1) result[2 * i + 1] = floatBitsToUint(subgroupExclusiveAdd(data[i]));
}
