// SPDX-License-Identifier: MIT OR Apache-2.0
// Private memory of scalars of several sizes, by constant, common and own indices.
#version 450
#extension GL_EXT_shader_explicit_arithmetic_types : require
layout(local_size_x = 64) in;
layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) buffer Out { uint results[]; };
struct Mixed { uint8_t small; uint word; float16_t h; uint64_t wide; bool flag; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  Mixed all[5];
  uint8_t bytes[9];
  float16_t halves[6];
  for (uint k = 0; k < 5; ++k)
    all[k] = Mixed(uint8_t(a[i] + k), i * k, float16_t(k), uint64_t(a[i]) << 33, (i + k) % 3 == 0);
  for (uint k = 0; k < 9; ++k) bytes[k] = uint8_t(a[(i + k) % n]);
  for (uint k = 0; k < 6; ++k) halves[k] = float16_t(k + i % 7);
  if ((a[i] & 1) != 0) {
    all[a[i] % 5].small = uint8_t(77);
    all[(a[i] + 1) % 5].h = float16_t(2.5);
    bytes[a[i] % 9] = uint8_t(200);
    halves[a[i] % 6] += float16_t(0.5);
  }
  all[n % 5].word += 1000;
  uint sum = 0;
  for (uint k = 0; k < 5; ++k) {
    Mixed one = all[(k + a[i]) % 5];
    sum = sum * 31 + uint(one.small) + one.word + uint(one.wide >> 35) + (one.flag ? 3 : 0);
    sum = sum * 31 + uint(all[k].small) + uint(float(all[(k * i) % 5].h) * 2.0);
  }
  for (uint k = 0; k < 9; ++k) sum = sum * 7 + uint(bytes[(k * 3 + i) % 9]) + uint(bytes[k]);
  for (uint k = 0; k < 6; ++k) sum = sum * 7 + uint(float(halves[(k + i) % 6]) * 2.0);
  results[i] = sum;
}
