// SPDX-License-Identifier: MIT OR Apache-2.0
// Elements below 32 bits that do not lie side by side, for some invocations, in range and beyond.
#version 450
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_shader_explicit_arithmetic_types : require
layout(local_size_x = 64) in;
layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { uint8_t a[]; };
layout(set = 0, binding = 0) readonly buffer B { uint16_t b[]; };
layout(set = 0, binding = 0) readonly buffer C { float16_t c[]; };
layout(set = 0, binding = 1) buffer Out { uint16_t results[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  uint hash = uint(a[i * 17]) + uint(b[i * 9 + 1]) * 3;
  hash = hash * 31 + uint(a[(i * i * 31) % (5 * n)]);
  if ((hash & 1) != 0) hash = hash * 31 + uint(b[i * 12]) + uint(a[hash % (4 * n)]);
  float16_t half_value = c[i * 10 + 3];
  if (half_value > float16_t(1.0)) hash += 5;
  if ((hash & 2) != 0) {
    hash += uint(a[i]) + (c[i] < half_value ? 7 : 0) + uint(b[i ^ 1]);
    results[n + i * 13] = uint16_t((n + i * 13) * 7);
  }
  uint place = n + (hash * 37) % (2 * n);
  if ((hash & 4) != 0) results[place] = uint16_t(place * 7);
  results[n + i * 5 + 1] = uint16_t((n + i * 5 + 1) * 7);
  if ((i & 3) != 2) results[i] = uint16_t(hash);
}
