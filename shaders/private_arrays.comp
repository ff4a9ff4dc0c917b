// SPDX-License-Identifier: MIT OR Apache-2.0
// Arrays of one invocation and constant tables, indexed by data.
//   push  u32 n
//   0.0   a: u32[n], read   0.1   out: u32[n], written
// Launch: n threads.
#version 450
layout(local_size_x = 64) in;

layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) writeonly buffer Out { uint results[]; };

const uint kPrimes[16] = uint[](2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53);
const ivec2 kSteps[4] = ivec2[](ivec2(1, 0), ivec2(0, 1), ivec2(-1, 0), ivec2(0, -1));

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  uint counts[16];
  uint grid[8][8];
  for (uint k = 0; k < 16; ++k) counts[k] = k;
  for (uint y = 0; y < 8; ++y)
    for (uint x = 0; x < 8; ++x) grid[y][x] = 0;
  uint word = a[i];
  ivec2 at = ivec2(4, 4);
  for (uint k = 0; k < 16; ++k) {
    uint digit = (word >> (2 * k)) & 3;
    counts[(word >> k) & 15] += kPrimes[(digit + k) & 15];
    at = (at + kSteps[digit]) & 7;
    grid[at.y][at.x] += k + 1;
  }
  uint hash = 17;
  for (uint k = 0; k < 16; ++k) hash = hash * 31 + counts[k];
  for (uint y = 0; y < 8; ++y)
    for (uint x = 0; x < 8; ++x) hash = hash * 7 + grid[y][x];
  results[i] = hash;
}
