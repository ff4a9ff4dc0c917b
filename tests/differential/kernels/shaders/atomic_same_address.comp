#version 450
// SPDX-License-Identifier: MIT OR Apache-2.0
// All on one word: the old values are 0 to n - 1 in some order.
layout(local_size_x = 64) in;
layout(std430, binding = 0) buffer Count { uint count; };
layout(std430, binding = 1) buffer Old { uint old[]; };
shared uint local_count;
void main() {
  if (gl_LocalInvocationIndex == 0u) local_count = 0u;
  barrier();
  uint mine = atomicAdd(local_count, 1u);
  old[atomicAdd(count, 1u)] = gl_GlobalInvocationID.x;
  old[gl_NumWorkGroups.x * 64u + gl_WorkGroupID.x * 64u + mine] = gl_LocalInvocationIndex;
}
