// SPDX-License-Identifier: MIT OR Apache-2.0
// Constant arrays indexed by values of every kind, and arrays that only look constant.
#version 450
layout(local_size_x = 64) in;
layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) buffer Out { uint results[]; };
struct Entry { float weight; uvec3 codes; bool odd; };
const uint kWords[80] = uint[](
  3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8, 4,
  6, 2, 6, 4, 3, 3, 8, 3, 2, 7, 9, 5, 0, 2, 8, 8, 4, 1, 9, 7,
  1, 6, 9, 3, 9, 9, 3, 7, 5, 1, 0, 5, 8, 2, 0, 9, 7, 4, 9, 4,
  4, 5, 9, 2, 3, 0, 7, 8, 1, 6, 4, 0, 6, 2, 8, 6, 2, 0, 8, 9);
const Entry kEntries[3] = Entry[](
  Entry(0.5, uvec3(1, 2, 3), true), Entry(-2.25, uvec3(4, 5, 6), false), Entry(8.0, uvec3(7, 8, 9), true));
const uvec2 kPairs[2][3] = uvec2[][](uvec2[](uvec2(10, 11), uvec2(12, 13), uvec2(14, 15)),
                                     uvec2[](uvec2(16, 17), uvec2(18, 19), uvec2(20, 21)));
uint lookup(uint at) { return kWords[at % 80]; }
void main() {
  uint i = gl_GlobalInvocationID.x, lane = gl_LocalInvocationID.x;
  if (i >= n) return;
  uint sum = kWords[7] + kWords[n % 80] + kWords[lane] * 3 + kWords[a[i] % 80] * 5;
  sum += kWords[lane + 100] + kWords[a[i] | 128];  // beyond the end: zeros
  for (uint k = 0; k < 5; ++k) sum = sum * 7 + lookup(k * 17 + i);
  sum += kEntries[i % 3].codes[a[i] % 3] + kEntries[n % 3].codes.z + uint(kEntries[lane % 3].odd);
  sum += uint(kEntries[a[i] % 3].weight * 4.0 + 100.0);
  sum += kPairs[i & 1][a[i] % 3].y * kPairs[n & 1][lane % 3][i & 1];
  uint changed[4] = uint[](1, 2, 3, 4);
  uint again[4] = uint[](1, 2, 3, 4);
  if ((i & 1) == 1) changed[a[i] & 3] = 77;
  if ((i & 2) == 2) again = uint[](5, 6, 7, 8);
  sum += changed[i & 3] * 11 + again[a[i] & 3] * 13;
  if ((a[i] & 4) == 4) sum ^= kWords[(i * 3) % 80];
  results[i] = sum;
}
