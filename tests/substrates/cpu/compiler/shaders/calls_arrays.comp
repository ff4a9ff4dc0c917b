// glslc: -O0
// SPDX-License-Identifier: MIT OR Apache-2.0
// Functions that take and give back arrays, called 16 times each, three deep: a copy of an array is
// one instruction of the module and as much code as it has elements. Beside it one that leaves early
// in many ways, which is little in the module, too, and much code where invocations part.
#version 450
layout(local_size_x = 64) in;
layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) buffer Out { uint results[]; };
uint level0(inout uint x[40], uint by) {
  x[(x[1] + by) & 31] += 5;
  return x[2] * 3 + x[3] + x[(x[0] ^ by) % 40];
}
uint level1(uint x[40], uint by) {
  uint r = by;
  for (uint k = 0; k < (by & 1); ++k) x[7 + k] ^= by;
  r += level0(x, r); r ^= level0(x, by + 1); r += level0(x, r); r ^= level0(x, by + 3);
  r += level0(x, r); r ^= level0(x, by + 5); r += level0(x, r); r ^= level0(x, by + 7);
  r += level0(x, r); r ^= level0(x, by + 9); r += level0(x, r); r ^= level0(x, by + 11);
  r += level0(x, r); r ^= level0(x, by + 13); r += level0(x, r); r ^= level0(x, by + 15);
  return r + x[5];
}
uint level2(uint x[40], uint by) {
  x[0] = level1(x, by); x[1] = level1(x, x[0]); x[2] ^= level1(x, x[1]); x[3] += level1(x, 3);
  x[4] = level1(x, by); x[5] = level1(x, x[4]); x[6] ^= level1(x, x[5]); x[7] += level1(x, 7);
  x[8] = level1(x, by); x[9] = level1(x, x[8]); x[10] ^= level1(x, x[9]); x[11] += level1(x, 11);
  x[12] = level1(x, by); x[13] = level1(x, x[1]); x[14] ^= level1(x, x[2]); x[15] += level1(x, 15);
  return x[15] + x[14];
}
uint early(uint x) {
  if ((x & 7) == 3) return x * 9;
  if (x > 100000) return x >> 3;
  switch (x & 3) {
    case 0: return 5 + x;
    case 1: x += 7; break;
    case 2:
      for (uint k = 0; k < 3; ++k)
        if (a[k] > x) return x + 1;
      break;
  }
  return x ^ 21;
}
uint early8(uint x) {
  x = early(x); x += early(x + 1); x = early(x + 2); x += early(x + 3);
  x = early(x + 4); x += early(x + 5); x = early(x + 6); x += early(x + 7);
  return x;
}
uint early64(uint x) {
  x = early8(x); x += early8(x + 1); x = early8(x + 2); x += early8(x + 3);
  x = early8(x + 4); x += early8(x + 5); x = early8(x + 6); x += early8(x + 7);
  return x;
}
void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  uint x[40];
  for (uint k = 0; k < 40; ++k) x[k] = k * a[i];
  uint r = level2(x, a[i]);
  if ((a[i] & 3) != 1) r += level2(x, r) + early64(r);
  results[i] = r + early64(a[i]);
}
