// SPDX-License-Identifier: MIT OR Apache-2.0
#version 450
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_vote : require
#extension GL_KHR_shader_subgroup_ballot : require
#extension GL_KHR_shader_subgroup_arithmetic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_KHR_shader_subgroup_shuffle_relative : require
#extension GL_KHR_shader_subgroup_clustered : require
#extension GL_KHR_shader_subgroup_quad : require
layout(local_size_x = 64) in;
layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) buffer Out { uint results[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  uint x = a[i], sum = 0;
  if ((x & 1) == 0) {
    sum = subgroupAdd(x) + subgroupExclusiveAdd(1u);
    if (subgroupElect()) sum += 1000;
  } else {
    sum = subgroupMax(x) ^ subgroupBallot(true).x;
  }
  for (uint k = 0; k < (x & 7); ++k) sum = sum * 3 + subgroupInclusiveXor(x + k) + subgroupBroadcastFirst(i);
  results[i] = sum + subgroupOr(x);
}
