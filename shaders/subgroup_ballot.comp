// SPDX-License-Identifier: MIT OR Apache-2.0
// Votes and ballots within subgroups; `where` as in subgroup_arithmetic.
//   n is a multiple of the workgroup size
//   0.0   a: u32[n], read   0.1   where: uvec2[n], written   0.2   out: u32[12 * n], written
// Launch: n threads.
#version 450
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_vote : require
#extension GL_KHR_shader_subgroup_ballot : require
layout(local_size_x = 64) in;

layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) writeonly buffer Where { uvec2 where[]; };
layout(set = 0, binding = 2) writeonly buffer Out { uint results[]; };

void main() {
  uint i = gl_GlobalInvocationID.x, x = a[i];
  bool odd = (x & 1) != 0;
  where[i] = uvec2(gl_SubgroupID, gl_SubgroupInvocationID);
  uvec4 ballot = subgroupBallot(odd);
  results[12 * i + 0] = uint(subgroupAll(odd)) | uint(subgroupAny(odd)) << 1;
  results[12 * i + 1] = uint(subgroupAllEqual(x >> 31));
  results[12 * i + 2] = ballot.x;
  results[12 * i + 3] = ballot.y;
  results[12 * i + 4] = subgroupBallotBitCount(ballot);
  results[12 * i + 5] = subgroupBallotInclusiveBitCount(ballot);
  results[12 * i + 6] = subgroupBallotExclusiveBitCount(ballot);
  results[12 * i + 7] = odd ? subgroupBallotFindLSB(ballot) : 0;
  results[12 * i + 8] = odd ? subgroupBallotFindMSB(ballot) : 0;
  results[12 * i + 9] = uint(subgroupInverseBallot(ballot));
  results[12 * i + 10] = subgroupBroadcastFirst(x);
  results[12 * i + 11] = subgroupBroadcast(x, 1) + uint(subgroupElect());
}
