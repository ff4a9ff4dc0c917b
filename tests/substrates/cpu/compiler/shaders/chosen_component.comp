#version 450
// SPDX-License-Identifier: MIT OR Apache-2.0
// Components of built-in values, chosen by each invocation.
layout(local_size_x = 64) in;
layout(binding = 1) writeonly buffer Out { uint data[]; } dst;

void main() {
  uint lid = gl_LocalInvocationIndex;
  uint group = (gl_WorkGroupID.z * gl_NumWorkGroups.y + gl_WorkGroupID.y) * gl_NumWorkGroups.x +
               gl_WorkGroupID.x;
  uint mixed = gl_WorkGroupID[lid % 3u] + 10u * gl_NumWorkGroups[(lid + 1u) % 3u];
  if (gl_NumWorkGroups[lid % 3u] == 3u) mixed += 1000u;
  dst.data[group * 64u + lid] = mixed;
}
