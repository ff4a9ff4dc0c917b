// glslc: --target-env=vulkan1.1
// SPDX-License-Identifier: MIT OR Apache-2.0
// Operations of subgroups, whose size a launch may ask for, and group counts.
#version 450
#extension GL_KHR_shader_subgroup_arithmetic : require
#extension GL_KHR_shader_subgroup_ballot : require
layout(local_size_x = 32) in;
layout(set = 0, binding = 3, std430) buffer Data { uvec4 rows[]; };

void main() {
  const uint i = gl_WorkGroupID.x * gl_NumWorkGroups.y + gl_WorkGroupID.y;
  const uint sum = subgroupAdd(gl_LocalInvocationID.x);
  const uint first = subgroupBroadcastFirst(rows[i].x);
  if (subgroupElect()) rows[i * 2u + gl_SubgroupID] = uvec4(sum, first, gl_SubgroupSize, gl_NumWorkGroups.z);
}
