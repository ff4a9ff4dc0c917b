#version 450
// SPDX-License-Identifier: MIT OR Apache-2.0
#extension GL_KHR_shader_subgroup_arithmetic : require
#extension GL_KHR_shader_subgroup_ballot : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_KHR_shader_subgroup_vote : require
// With a workgroup that leaves the last subgroup incomplete.
layout(local_size_x = 49) in;
layout(std430, binding = 0) buffer Out { uint result[]; };
void main() {
  uint at = gl_GlobalInvocationID.x * 8u;
  uint x = gl_LocalInvocationIndex * 3u + 1u;
  result[at] = gl_SubgroupSize;
  result[at + 1u] = gl_SubgroupInvocationID;
  result[at + 2u] = subgroupAdd(x);
  result[at + 3u] = subgroupExclusiveAdd(x);
  result[at + 4u] = subgroupBallotBitCount(subgroupBallot((x & 1u) == 0u));
  result[at + 5u] = subgroupBroadcastFirst(x);
  result[at + 6u] = subgroupAll(x < 1000u) ? subgroupMax(x) : 0u;
  result[at + 7u] = gl_SubgroupID;
}
