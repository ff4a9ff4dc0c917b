// SPDX-License-Identifier: MIT OR Apache-2.0
// 8-bit integers, stored and computed: wrap-around, division, shifts, comparison, conversion.
//   push  u32 n
//   0.0   a: i8[n], read   0.1   b: u8[n], read   0.2   out: i8[8 * n], written
//   0.3   wide: i32[2 * n], written
// Launch: n threads.
#version 450
#extension GL_EXT_shader_explicit_arithmetic_types_int8 : require
layout(local_size_x = 64) in;

layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { int8_t a[]; };
layout(set = 0, binding = 1) readonly buffer B { uint8_t b[]; };
layout(set = 0, binding = 2) writeonly buffer Out { int8_t results[]; };
layout(set = 0, binding = 3) writeonly buffer Wide { int wide[]; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  int8_t x = a[i];
  uint8_t y = b[i];
  uint8_t divisor = y | uint8_t(1);
  int8_t shift = int8_t(y & uint8_t(7));
  i8vec2 pair = i8vec2(x, int8_t(y));
  results[8 * i + 0] = x + int8_t(y);
  results[8 * i + 1] = x * int8_t(y);
  results[8 * i + 2] = int8_t(uint8_t(x) / divisor);
  results[8 * i + 3] = int8_t(uint8_t(x) % divisor);
  results[8 * i + 4] = x >> shift;
  results[8 * i + 5] = int8_t(uint8_t(x) >> uint8_t(shift));
  results[8 * i + 6] = x << shift;
  results[8 * i + 7] = x < int8_t(y) ? pair.y : int8_t(-pair.x);
  wide[2 * i] = int(x);
  wide[2 * i + 1] = int(uint(y)) - int(x);
}
