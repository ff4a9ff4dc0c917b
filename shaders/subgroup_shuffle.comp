// SPDX-License-Identifier: MIT OR Apache-2.0
// Shuffles within subgroups; `where` as in subgroup_arithmetic.
//   n is a multiple of the workgroup size
//   0.0   a: u32[n], read   0.1   where: uvec2[n], written   0.2   out: u32[4 * n], written
// Launch: n threads.
#version 450
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_KHR_shader_subgroup_shuffle_relative : require
layout(local_size_x = 64) in;

layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) writeonly buffer Where { uvec2 where[]; };
layout(set = 0, binding = 2) writeonly buffer Out { uint results[]; };

void main() {
  uint i = gl_GlobalInvocationID.x, x = a[i];
  uint lane = gl_SubgroupInvocationID, last = gl_SubgroupSize - 1;
  where[i] = uvec2(gl_SubgroupID, lane);
  uint up = subgroupShuffleUp(x, 1), down = subgroupShuffleDown(x, 2);
  results[4 * i + 0] = subgroupShuffle(x, last - lane);
  results[4 * i + 1] = subgroupShuffleXor(x, 1);
  results[4 * i + 2] = lane >= 1 ? up : 0;
  results[4 * i + 3] = lane + 2 <= last ? down : 0;
}
