// SPDX-License-Identifier: MIT OR Apache-2.0
// Four invocations of a subgroup at a time.
//   0.0   a: u32[64], read   0.1   r: u32[64], written
// Launch: 64 threads.
#version 450
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_clustered : require
#extension GL_KHR_shader_subgroup_quad : require
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) writeonly buffer R { uint r[]; };

void main() {
  uint i = gl_LocalInvocationIndex, x = a[i];
  r[i] = subgroupClusteredAdd(x, 4) * 27 + subgroupQuadSwapHorizontal(x) * 9 +
         subgroupQuadSwapVertical(x) * 3 + subgroupQuadBroadcast(x, 2);
}
