#version 450
// SPDX-License-Identifier: MIT OR Apache-2.0
layout(local_size_x_id = 0, local_size_y_id = 1, local_size_z_id = 2) in;
layout(std430, binding = 0) buffer Out { uint result[]; };
void main() {
  uvec3 n = gl_NumWorkGroups * gl_WorkGroupSize;
  uvec3 g = gl_GlobalInvocationID;
  uint i = (g.z * n.y + g.y) * n.x + g.x;
  uvec3 again = gl_WorkGroupID * gl_WorkGroupSize + gl_LocalInvocationID;
  uint index = (gl_LocalInvocationID.z * gl_WorkGroupSize.y + gl_LocalInvocationID.y) *
      gl_WorkGroupSize.x + gl_LocalInvocationID.x;
  bool right = again == g && index == gl_LocalInvocationIndex;
  result[i] = right ? g.x + 1000u * g.y + 1000000u * g.z : 0xFFFFFFFFu;
}
