// SPDX-License-Identifier: MIT OR Apache-2.0
// Products of bytes added up in loops: left by all at once, one by one and in the middle, and sums
// that somebody looks at in each round.
#version 450
#extension GL_EXT_shader_8bit_storage : require
layout(local_size_x = 64) in;
layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer Signed { i8vec4 a[]; };
layout(set = 0, binding = 0) readonly buffer Unsigned { u8vec4 b[]; };
layout(set = 0, binding = 1) buffer Out { uint results[]; };
int dot_signed(uint i, uint k) {
  ivec4 p = ivec4(a[i]) * ivec4(a[k]);
  return p.x + p.y + p.z + p.w;
}
uint dot_unsigned(uint i, uint k) {
  uvec4 p = uvec4(b[i]) * uvec4(b[k]);
  return p.x + p.y + p.z + p.w;
}
void main() {
  uint i = gl_GlobalInvocationID.x;
  int together = int(i), apart = 3, watched = 0, left = 0, twice = 0;
  uint plain = 7;
  for (uint k = 0; k < 5 + (n & 3); ++k) {
    together += dot_signed(i + k, k);
    plain += dot_unsigned(i + k, k);
  }
  for (uint k = i & 3; k < 9; k += 2) apart += dot_signed(i, k);
  for (uint k = 0; k < 6; ++k) {
    watched += dot_signed(k, i);
    watched ^= int(k);
  }
  for (uint k = 0; k < n; ++k) {
    left += dot_signed(i + k, k);
    if (k == 11) break;
    left += dot_signed(i, k);
  }
  for (uint k = 0; k < 4; ++k) {
    int one = dot_signed(i, k);
    twice += one;
    plain ^= uint(one);
  }
  if (i < n)
    results[i] = uint(together) + plain * 3u + uint(apart) * 5u + uint(watched) * 7u +
                 uint(left) * 11u + uint(twice) * 13u;
}
