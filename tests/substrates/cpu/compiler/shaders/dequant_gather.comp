// SPDX-License-Identifier: MIT OR Apache-2.0
#version 450
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_shader_explicit_arithmetic_types : require
layout(local_size_x = 512) in;
struct B { f16vec2 s; uint8_t c[12]; uint8_t q[128]; };
layout(push_constant) uniform P { uint n, m, k, s; } p;
layout(binding = 0) readonly buffer A { B a[]; };
layout(binding = 1) readonly buffer I { int x[]; };
layout(binding = 2) writeonly buffer D { float d[]; };
void main() {
  uint i = gl_GlobalInvocationID.x * 2;
  if (i >= p.n) return;
  for (uint z = gl_GlobalInvocationID.z; z < p.m; z += gl_NumWorkGroups.z)
    for (uint y = gl_GlobalInvocationID.y; y < p.k; y += gl_NumWorkGroups.y) {
      uint b = uint(x[y + z * p.k]) * p.s + i / 256, j = i % 256;
      uint g = j / 32, e = j / 64 * 32 + j % 32, sh = g % 2 * 4;
      uint sc = g < 4 ? uint(a[b].c[g]) & 63u : (uint(a[b].c[g + 4]) & 15u) | (uint(a[b].c[g - 4]) >> 6 << 4);
      uint mn = g < 4 ? uint(a[b].c[g + 4]) & 63u : (uint(a[b].c[g + 4]) >> 4) | (uint(a[b].c[g]) >> 6 << 4);
      float u = float(a[b].s.x) * float(sc), v = float(a[b].s.y) * float(mn);
      d[(z * p.k + y) * p.n + i] = u * float(uint(a[b].q[e]) >> sh & 15u) - v;
      d[(z * p.k + y) * p.n + i + 1] = u * float(uint(a[b].q[e + 1]) >> sh & 15u) - v;
    }
}
