// SPDX-License-Identifier: MIT OR Apache-2.0
#version 450
// Sums of all that tells an invocation of its place in the grid.
layout(local_size_x = 3, local_size_y = 1, local_size_z = 2) in;
layout(std430, set = 0, binding = 0) buffer Out { uint values[]; };
layout(push_constant) uniform Push { uint a, b; };
void main() {
  if (gl_LocalInvocationIndex != 5) return;
  uvec3 group = gl_WorkGroupID;
  uint at = group.x + gl_NumWorkGroups.x * (group.y + gl_NumWorkGroups.y * group.z);
  uvec3 global = gl_GlobalInvocationID;
  values[at] = group.x + 3 * group.y + 7 * group.z + 11 * global.x + 13 * global.y +
               17 * gl_GlobalInvocationID.z + a + b;
}
