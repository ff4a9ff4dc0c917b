// glslc: -O0
// SPDX-License-Identifier: MIT OR Apache-2.0
// Values of many scalars: copied, chosen, given back by functions, taken apart.
#version 450
layout(local_size_x = 64) in;
layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) buffer Out { uint results[]; };
struct Big { uint head; uvec4 rows[30]; float tail[7]; bool flag; };
const uint kTable[100] = uint[100](
  3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8, 4, 6, 2, 6, 4, 3, 3, 8, 3, 2, 7, 9, 5, 0, 2, 8, 8, 4, 1,
  9, 7, 1, 6, 9, 3, 9, 9, 3, 7, 5, 1, 0, 5, 8, 2, 0, 9, 7, 4, 9, 4, 4, 5, 9, 2, 3, 0, 7, 8, 1, 6, 4, 0, 6, 2, 8, 6,
  2, 0, 8, 9, 9, 8, 6, 2, 8, 0, 3, 4, 8, 2, 5, 3, 4, 2, 1, 1, 7, 0, 6, 7);
Big make(uint i) {
  Big b;
  b.head = i;
  for (uint k = 0; k < 30; ++k) b.rows[k] = uvec4(i + k, i * k, k, 5);
  for (uint k = 0; k < 7; ++k) b.tail[k] = float(k + i % 16);
  b.flag = (i & 2) != 0;
  return b;
}
Big changed(Big b, uint at) {
  if (b.flag) return b;
  b.rows[at % 30].z += 100;
  return b;
}
uint hash_of(Big b) {
  uint h = b.head + (b.flag ? 1 : 0);
  for (uint k = 0; k < 30; ++k) h = h * 31 + b.rows[k].x + b.rows[k].y * 3 + b.rows[k].z;
  for (uint k = 0; k < 7; ++k) h = h * 31 + uint(b.tail[k]);
  return h;
}
void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  Big x = make(a[i]), y = changed(make(i), a[i]), z = x;
  if ((a[i] & 1) != 0)
    z = y;
  else
    z.rows[a[i] % 30] = uvec4(7);
  Big w = (a[i] & 4) != 0 ? x : z;
  uint first[100], second[100] = kTable;
  for (uint k = 0; k < 100; ++k) first[k] = a[(i + k) % n];
  for (uint round = 0; round < i % 5; ++round) {
    uint kept[100] = first;
    first = second;
    second = kept;
    second[round] += 1;
  }
  uint h = hash_of(w) + hash_of(y) * 7 + hash_of(z) * 31;
  for (uint k = 0; k < 100; ++k) h = h * 33 + first[k] + second[99 - k] * 3;
  results[i] = h;
}
