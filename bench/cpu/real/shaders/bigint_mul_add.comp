// SPDX-License-Identifier: MIT OR Apache-2.0
// r = a * b + c of integers of LIMBS words of 32 bits; r has twice as many.
//   0.0  a  0.1  b  0.2  c: u32[n][LIMBS], read   0.3  r: u32[n][2 * LIMBS], written
// Launch: ceil(n / size) workgroups.
#version 450
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(constant_id = 1) const uint LIMBS = 8;
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) readonly buffer B { uint b[]; };
layout(set = 0, binding = 2) readonly buffer C { uint c[]; };
layout(set = 0, binding = 3) writeonly buffer R { uint r[]; };
layout(push_constant) uniform Parameters { uint n; };

void main() {
  const uint at = gl_GlobalInvocationID.x;
  if (at >= n) return;
  uint result[2 * LIMBS];
  for (uint i = 0; i < LIMBS; ++i) {
    result[i] = c[at * LIMBS + i];
    result[i + LIMBS] = 0;
  }
  for (uint i = 0; i < LIMBS; ++i) {
    const uint64_t factor = a[at * LIMBS + i];
    uint64_t carry = 0;
    for (uint j = 0; j < LIMBS; ++j) {
      carry += factor * b[at * LIMBS + j] + result[i + j];
      result[i + j] = uint(carry);
      carry >>= 32;
    }
    result[i + LIMBS] = uint(carry);
  }
  for (uint i = 0; i < 2 * LIMBS; ++i) r[at * 2 * LIMBS + i] = result[i];
}
