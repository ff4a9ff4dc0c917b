// SPDX-License-Identifier: MIT OR Apache-2.0
// C[q, r] = sum over k of B[q, k] * A[r, k] of signed bytes, four of them in a word.
//   0.0  a: i8vec4[], read, rows of `stride` bytes   0.1  b: the same   0.2  c: i32[], written
// Launch: ceil(m / BM), ceil(n / BN) workgroups.
#version 450
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_shader_explicit_arithmetic_types_int8 : require
layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(constant_id = 1) const uint BM = 32;
layout(constant_id = 2) const uint BN = 32;
layout(constant_id = 3) const uint BK = 32;  // bytes
layout(constant_id = 4) const uint TM = 4;
layout(constant_id = 5) const uint TN = 2;

layout(set = 0, binding = 0) readonly buffer A { i8vec4 a[]; };
layout(set = 0, binding = 1) readonly buffer B { i8vec4 b[]; };
layout(set = 0, binding = 2) writeonly buffer C { int c[]; };
layout(push_constant) uniform Parameters { uint m, n, k, stride; };

shared i8vec4 tile_a[BM][BK / 4 + 1];
shared i8vec4 tile_b[BN][BK / 4 + 1];

int dot4(i8vec4 x, i8vec4 y) {
  const ivec4 product = ivec4(x) * ivec4(y);
  return product.x + product.y + product.z + product.w;
}

void main() {
  const uint lane = gl_LocalInvocationID.x, size = gl_WorkGroupSize.x;
  const uint lane_r = lane % (BM / TM), lane_q = lane / (BM / TM);
  const uint row0 = gl_WorkGroupID.x * BM, column0 = gl_WorkGroupID.y * BN;
  int sums[TN * TM];
  for (uint i = 0; i < TN * TM; ++i) sums[i] = 0;
  for (uint block = 0; block < k; block += BK) {
    for (uint l = lane; l < BM * BK / 4; l += size) {
      const uint r = l / (BK / 4), i = l % (BK / 4);
      tile_a[r][i] = row0 + r < m ? a[((row0 + r) * stride + block) / 4 + i] : i8vec4(0);
    }
    for (uint l = lane; l < BN * BK / 4; l += size) {
      const uint q = l / (BK / 4), i = l % (BK / 4);
      tile_b[q][i] = column0 + q < n ? b[((column0 + q) * stride + block) / 4 + i] : i8vec4(0);
    }
    barrier();
    for (uint i = 0; i < BK / 4; ++i)
      for (uint q = 0; q < TN; ++q)
        for (uint r = 0; r < TM; ++r)
          sums[q * TM + r] += dot4(tile_a[lane_r * TM + r][i], tile_b[lane_q * TN + q][i]);
    barrier();
  }
  for (uint q = 0; q < TN; ++q)
    for (uint r = 0; r < TM; ++r) {
      const uint at_q = column0 + lane_q * TN + q, at_r = row0 + lane_r * TM + r;
      if (at_q < n && at_r < m) c[at_q * m + at_r] = sums[q * TM + r];
    }
}
