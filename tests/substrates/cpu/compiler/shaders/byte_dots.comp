// SPDX-License-Identifier: MIT OR Apache-2.0
// Sums of four products of bytes, signed and not, among other sums and among their like.
#version 450
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_shader_16bit_storage : require
layout(local_size_x = 64) in;
layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer Signed { i8vec4 a[]; };
layout(set = 0, binding = 0) readonly buffer Unsigned { u8vec4 b[]; };
layout(set = 0, binding = 0) readonly buffer Halves { i16vec2 c[]; };
layout(set = 0, binding = 1) buffer Out { uint results[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  ivec4 p = ivec4(a[i]) * ivec4(a[i + 1]);
  uvec4 q = uvec4(b[i]) * uvec4(b[i + 1]);
  int mixed = int(i) * 77;
  ivec4 x = ivec4(a[i + 2]), y = ivec4(uvec4(b[i]));
  mixed += x.x * y.x + x.y * y.y + x.z * y.z + x.w * y.w;
  uint same = uint(p.x + p.y + p.z + p.w);
  uint thrice = q.x + q.y + q.z + q.w + q.x + q.w;      // some twice
  int crossed = x.x * y.y + x.y * y.x + x.z * y.z + x.w * y.w;  // no dot product
  ivec2 h = ivec2(c[i]) * ivec2(c[i + 1]);
  uint words = (same ^ thrice * 3u) + uint(mixed) * 5u + uint(crossed) * 7u + uint(h.x - h.y) * 11u;
  if (i < n) results[i] = words + uint(p.x + mixed + p.y + p.z + (p.w + 9));
}
