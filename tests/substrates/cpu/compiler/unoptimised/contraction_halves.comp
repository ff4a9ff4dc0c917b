// SPDX-License-Identifier: MIT OR Apache-2.0
// Products and sums of halves: what is rounded once is to be the same however the kernel is compiled,
// and to differ from what is rounded at each step by that alone.
//   0.0  in: f16[16 n], read   0.1  out: f16[16 n], written
#version 450
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#extension GL_EXT_shader_16bit_storage : require
layout(local_size_x = 64) in;

layout(set = 0, binding = 0) readonly buffer In { float16_t data[]; } src;
layout(set = 0, binding = 1) writeonly buffer Out { float16_t data[]; } dst;
layout(push_constant) uniform Push { uint n; };

f16vec4 four(uint at) {
  return f16vec4(src.data[at], src.data[at + 1u], src.data[at + 2u], src.data[at + 3u]);
}

void put(uint at, f16vec4 v) {
  for (uint k = 0u; k < 4u; ++k) dst.data[at + k] = v[k];
}

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  uint o = i * 16u;
  f16vec4 a = four(o), b = four(o + 4u), c = four(o + 8u), d = four(o + 12u);
  f16mat4 m = f16mat4(b, c, d, b);
  dst.data[o] = dot(a, b);
  dst.data[o + 1u] = dot(a, b) + c.x;
  dst.data[o + 2u] = a.x * b.x + c.x;
  precise float16_t exact = a.x * b.x + c.x;
  dst.data[o + 3u] = exact;
  put(o + 4u, a * m + c);
  put(o + 8u, d + m * a);
  dst.data[o + 12u] = c.y - dot(a, d);
  dst.data[o + 13u] = dot(a, d) - c.y;
  dst.data[o + 14u] = c.z - a.z * b.z;
  float16_t sum = c.w;
  for (uint k = 0u; k < (i & 3u) + 1u; ++k) sum = sum + dot(a, four(o + 4u * k));
  dst.data[o + 15u] = sum;
}
