// SPDX-License-Identifier: MIT OR Apache-2.0
// The built-in variables of an invocation, in three dimensions.
//   0.0   out: uvec4[4 * invocations], written
// Launch: any number of workgroups in x, y and z.
#version 450
layout(local_size_x = 4, local_size_y = 3, local_size_z = 2) in;

layout(set = 0, binding = 0) writeonly buffer Out { uvec4 results[]; };

void main() {
  uvec3 size = gl_NumWorkGroups * gl_WorkGroupSize, at = gl_GlobalInvocationID;
  uint i = (at.z * size.y + at.y) * size.x + at.x;
  results[4 * i + 0] = uvec4(gl_GlobalInvocationID, gl_LocalInvocationIndex);
  results[4 * i + 1] = uvec4(gl_LocalInvocationID, gl_NumWorkGroups.x);
  results[4 * i + 2] = uvec4(gl_WorkGroupID, gl_NumWorkGroups.y);
  results[4 * i + 3] = uvec4(gl_WorkGroupSize, gl_NumWorkGroups.z);
}
