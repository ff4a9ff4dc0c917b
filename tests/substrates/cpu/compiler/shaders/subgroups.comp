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
  uint x = i < n ? a[i] : i, l = gl_SubgroupInvocationID, sum = gl_SubgroupID * 3 + gl_SubgroupSize;
  sum = sum * 3 + subgroupAdd(x);
  sum = sum * 3 + subgroupInclusiveAdd(x) + subgroupExclusiveMax(x) + subgroupMin(x);
  sum = sum * 3 + subgroupClusteredXor(x, 4) + subgroupClusteredAdd(x, 16);
  sum = sum * 3 + subgroupShuffle(x, (l * 5) & 31) + subgroupShuffleXor(x, 3) + subgroupShuffleXor(x, 16);
  sum = sum * 3 + (l >= 3 ? subgroupShuffleUp(x, 3) : 0) + (l < 20 ? subgroupShuffleDown(x, 7) : 0);
  sum = sum * 3 + subgroupBroadcast(x, 9) + subgroupBroadcastFirst(x);
  uvec4 b = subgroupBallot((x & 1) == 1);
  sum = sum * 3 + b.x + subgroupBallotBitCount(b) + subgroupBallotInclusiveBitCount(b) +
        subgroupBallotExclusiveBitCount(b) + (subgroupInverseBallot(b) ? 1 : 0);
  sum = sum * 3 + (subgroupAll(x > 0) ? 1 : 0) + (subgroupAny(x > 60) ? 2 : 0) + (subgroupElect() ? 4 : 0);
  sum = sum * 3 + subgroupQuadBroadcast(x, 2) + subgroupQuadSwapHorizontal(x) + subgroupQuadSwapDiagonal(x);
  sum += gl_SubgroupEqMask.x ^ gl_SubgroupLtMask.x ^ gl_SubgroupGeMask.x;
  sum += (subgroupAllEqual(n) ? 8 : 0) + (subgroupAllEqual(x) ? 16 : 0);
  if (i < n) results[i] = sum;
}
