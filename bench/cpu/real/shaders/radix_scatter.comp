// SPDX-License-Identifier: MIT OR Apache-2.0
// Moves keys to where the scanned counts of radix_histogram say, in order: ranks by ballots.
//   0.0  keys: u32[n], read  0.1  first place: u32[256][groups], read  0.2  sorted: u32[n], written
// Launch: groups workgroups.
#version 450
#extension GL_KHR_shader_subgroup_ballot : require
layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0) readonly buffer K { uint keys[]; };
layout(set = 0, binding = 1) readonly buffer P { uint places[]; };
layout(set = 0, binding = 2) writeonly buffer S { uint sorted[]; };
layout(push_constant) uniform Parameters { uint n, shift, each; };
shared uint next[256];

void main() {
  const uint lane = gl_LocalInvocationID.x, size = gl_WorkGroupSize.x;
  for (uint i = lane; i < 256; i += size) next[i] = places[i * gl_NumWorkGroups.x + gl_WorkGroupID.x];
  barrier();
  const uint first = gl_WorkGroupID.x * each, last = min(n, first + each);
  for (uint start = first; start < last; start += size) {
    const bool is_there = start + lane < last;
    const uint key = is_there ? keys[start + lane] : 0, digit = key >> shift & 255;
    uvec4 same = subgroupBallot(is_there);
    for (uint bit = 0; bit < 8; ++bit) {
      const bool is_set = (digit >> bit & 1) != 0;
      const uvec4 others = subgroupBallot(is_set);
      same &= is_set ? others : ~others;
    }
    const uint rank = subgroupBallotBitCount(same & gl_SubgroupLtMask);
    // One subgroup after the other takes its places.
    for (uint s = 0; s < gl_NumSubgroups; ++s) {
      if (s == gl_SubgroupID && is_there) {
        sorted[next[digit] + rank] = key;
      }
      barrier();
      if (s == gl_SubgroupID && is_there && rank == 0) next[digit] += subgroupBallotBitCount(same);
      barrier();
    }
  }
}
