// SPDX-License-Identifier: MIT OR Apache-2.0
// Floats as bits in, integers of every width out.
#version 450
#extension GL_EXT_shader_explicit_arithmetic_types : require
layout(local_size_x = 64) in;
layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { float a[]; };
layout(set = 0, binding = 1) buffer Out { uint results[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  float x = a[i], y = a[0];
  double d = double(x) * 1.0000001LF;
  float16_t h = float16_t(x);
  results[i * 20] = uint(int(x));
  results[i * 20 + 1] = uint(x);
  results[i * 20 + 2] = uint(int16_t(x));
  results[i * 20 + 3] = uint(uint16_t(x));
  results[i * 20 + 4] = uint(int8_t(x));
  results[i * 20 + 5] = uint(uint8_t(x));
  int64_t s = int64_t(x);
  uint64_t u = uint64_t(x);
  results[i * 20 + 6] = uint(s >> 32) ^ uint(s);
  results[i * 20 + 7] = uint(u >> 32) ^ uint(u);
  results[i * 20 + 8] = uint(int(d));
  results[i * 20 + 9] = uint(d);
  s = int64_t(d);
  u = uint64_t(d);
  results[i * 20 + 10] = uint(s >> 32) ^ uint(s);
  results[i * 20 + 11] = uint(u >> 32) ^ uint(u);
  results[i * 20 + 12] = uint(uint8_t(d)) + uint(int16_t(d)) * 256;
  results[i * 20 + 13] = uint(int(h));
  results[i * 20 + 14] = uint(h);
  results[i * 20 + 15] = uint(int16_t(h));
  float px = isnan(x) ? 0.25 : x, py = isnan(y) ? 0.75 : y;
  results[i * 20 + 16] = packUnorm4x8(vec4(px, py, -px, px * 0.5));
  results[i * 20 + 17] = packSnorm2x16(vec2(px, py));
  results[i * 20 + 18] = uint(int(y));
  results[i * 20 + 19] = uint(y) ^ uint(int8_t(y));
}
