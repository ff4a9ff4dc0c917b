// glslc: -O0
// SPDX-License-Identifier: MIT OR Apache-2.0
// What the test of a loop does besides testing is done once a round, also in the round in which
// some leave the loop and others do not: copies of large values, and calls of shared functions
// that store.
#version 450
layout(local_size_x = 64) in;
layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) buffer Out { uint results[]; };
struct Large { uint cells[80]; };
shared uint seen[64];
uint step1(uint x) {
  seen[gl_LocalInvocationIndex] += x;
  if ((x & 64) != 0) x ^= a[x % n];
  return x * 3 + seen[gl_LocalInvocationIndex];
}
uint step2(uint x) {
  x = step1(x); x = step1(x ^ 1); x = step1(x); x = step1(x ^ 3);
  x = step1(x); x = step1(x ^ 5); x = step1(x); x = step1(x ^ 7);
  x = step1(x); x = step1(x ^ 9); x = step1(x); x = step1(x ^ 11);
  x = step1(x); x = step1(x ^ 13); x = step1(x); x = step1(x ^ 15);
  return x;
}
uint step3(uint x) {
  x = step2(x); x = step2(x ^ 1); x = step2(x); x = step2(x ^ 3);
  x = step2(x); x = step2(x ^ 5); x = step2(x); x = step2(x ^ 7);
  x = step2(x); x = step2(x ^ 9); x = step2(x); x = step2(x ^ 11);
  x = step2(x); x = step2(x ^ 13); x = step2(x); x = step2(x ^ 15);
  return x;
}
void main() {
  uint i = gl_GlobalInvocationID.x, l = gl_LocalInvocationIndex;
  Large one, other, between;
  for (uint k = 0; k < 80; ++k) {
    one.cells[k] = k * 3 + i;
    other.cells[k] = k * 5;
  }
  seen[l] = 1;
  uint rounds = 0, bound = i & 7;
  for (uint k = 0; (between = one, one = other, other = between, k < bound); ++k)
    rounds += one.cells[k] + other.cells[i % 80];
  uint x = step3(i), turns = 0;
  for (uint k = 0; (x = step2(x), k < bound); ++k) turns += x;
  if (i < n) results[i] = rounds * 31 + turns + seen[l] + one.cells[7];
}
