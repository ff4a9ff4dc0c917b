// SPDX-License-Identifier: MIT OR Apache-2.0
// 16-bit integers, stored and computed: wrap-around, division, shifts, comparison, conversion.
//   push  u32 n
//   0.0   a: i16[n], read   0.1   b: u16[n], read   0.2   out: i16[8 * n], written
//   0.3   wide: i32[2 * n], written
// Launch: n threads.
#version 450
#extension GL_EXT_shader_explicit_arithmetic_types_int16 : require
layout(local_size_x = 64) in;

layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { int16_t a[]; };
layout(set = 0, binding = 1) readonly buffer B { uint16_t b[]; };
layout(set = 0, binding = 2) writeonly buffer Out { int16_t results[]; };
layout(set = 0, binding = 3) writeonly buffer Wide { int wide[]; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  int16_t x = a[i];
  uint16_t y = b[i];
  uint16_t divisor = y | 1us;
  int16_t shift = int16_t(y & 15us);
  i16vec2 pair = i16vec2(x, int16_t(y));
  results[8 * i + 0] = x + int16_t(y);
  results[8 * i + 1] = x * int16_t(y);
  results[8 * i + 2] = int16_t(uint16_t(x) / divisor);
  results[8 * i + 3] = int16_t(uint16_t(x) % divisor);
  results[8 * i + 4] = x >> shift;
  results[8 * i + 5] = int16_t(uint16_t(x) >> uint16_t(shift));
  results[8 * i + 6] = x << shift;
  results[8 * i + 7] = x < int16_t(y) ? pair.y : int16_t(-pair.x);
  wide[2 * i] = int(x);
  wide[2 * i + 1] = int(uint(y)) - int(x);
}
