#version 450
// SPDX-License-Identifier: MIT OR Apache-2.0
// Fewer elements than invocations, at any workgroup size.
layout(local_size_x_id = 0) in;
layout(std430, binding = 0) readonly buffer In { uint data[]; };
layout(std430, binding = 1) buffer Out { uint result[]; };
shared uint sum;
void main() {
  uint i = gl_GlobalInvocationID.x;
  if (gl_LocalInvocationIndex == 0u) sum = 0u;
  barrier();
  if (i < data.length()) atomicAdd(sum, data[i]);
  barrier();
  if (i < result.length()) result[i] = data[i] * 2u + sum;
}
