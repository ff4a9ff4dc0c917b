// SPDX-License-Identifier: MIT OR Apache-2.0
#version 450
#extension GL_EXT_shader_explicit_arithmetic_types : require
layout(local_size_x = 64) in;
layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) buffer Out { uint results[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  uint x = a[i], y = a[(i + 1) % n];
  uint8_t b = uint8_t(x), c = uint8_t(y);
  int16_t s = int16_t(x), t = int16_t(y);
  uint64_t w = uint64_t(x) * uint64_t(y) + 0x123456789ul;
  int64_t v = int64_t(int(x)) * -5l;
  float16_t h = float16_t(float(x & 1023) * 0.25);
  uint r = uint(b + c) + uint(b / c) * 3 + uint(int(s * t)) + uint(int(s / t)) + uint(int(s % t));
  r = r * 31 + uint(w >> 7) + uint(w % 1000ul) + uint(v >> 3) + uint(v / 7l);
  r = r * 31 + uint(float(h * h + float16_t(0.5))) + uint(double(x) * 0.5);
  r += uint(s >> 3) + uint(b << 3) + uint(max(s, t)) + packHalf2x16(vec2(float(x), 1.0 / 3.0));
  results[i] = r;
}
