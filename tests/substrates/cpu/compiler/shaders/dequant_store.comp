// SPDX-License-Identifier: MIT OR Apache-2.0
#version 450
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_shader_explicit_arithmetic_types : require
#extension GL_EXT_control_flow_attributes : enable
layout(local_size_x = 256) in;
struct B { float16_t s; uint8_t q[128]; };
layout(push_constant) uniform P { uint n; } p;
layout(binding = 0) readonly buffer A { B a[]; };
layout(binding = 1) writeonly buffer D { float16_t d[]; };
shared float t[16];
void main() {
  uint e = gl_LocalInvocationID.x;
  if (e < 16) t[e] = float(e * e);
  barrier();
  uint i = gl_WorkGroupID.x * 32 + e / 8, b = e % 8;
  if (i >= p.n) return;
  float s = float(a[i].s);
  [[unroll]] for (uint l = 0; l < 16; ++l) {
    uint q = uint(a[i].q[b * 16 + l]);
    d[i * 256 + b * 32 + l] = float16_t(s * t[q & 15u]);
    d[i * 256 + b * 32 + l + 16] = float16_t(s * t[q >> 4]);
  }
}
