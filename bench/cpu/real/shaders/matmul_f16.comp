// SPDX-License-Identifier: MIT OR Apache-2.0
// C[q, r] = sum over k of B[q, k] * A[r, k]: inputs in f16, sums in f32, tiles of BM x BN.
//   0.0  a: f16vec4[], read, rows of `stride_a`   0.1  b: the same   0.2  c: f32[], written
// Launch: ceil(m / BM), ceil(n / BN) workgroups.
#version 450
#extension GL_EXT_shader_16bit_storage : require
layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(constant_id = 1) const uint BM = 64;
layout(constant_id = 2) const uint BN = 64;
layout(constant_id = 3) const uint BK = 16;
layout(constant_id = 4) const uint TM = 8;
layout(constant_id = 5) const uint TN = 4;

layout(set = 0, binding = 0) readonly buffer A { f16vec4 a[]; };
layout(set = 0, binding = 1) readonly buffer B { f16vec4 b[]; };
layout(set = 0, binding = 2) writeonly buffer C { float c[]; };
// As libraries have it: strides of batches that this launch leaves at one.
layout(push_constant) uniform Parameters {
  uint m, n, k, stride_a, stride_b, stride_c;
  uint batch_stride_a, batch_stride_b, batch_stride_c;
  uint k_split, ne02, ne12, broadcast2, broadcast3;
  float scale;
  uint flags;
} p;

shared float tile_a[BK][BM + 1];
shared float tile_b[BK][BN + 1];

void main() {
  const uint lane = gl_LocalInvocationID.x, size = gl_WorkGroupSize.x;
  const uint lane_r = lane % (BM / TM), lane_q = lane / (BM / TM);
  const uint row0 = gl_WorkGroupID.x * BM, column0 = gl_WorkGroupID.y * BN;
  float sums[TN][TM];
  for (uint j = 0; j < TN; ++j)
    for (uint i = 0; i < TM; ++i) sums[j][i] = 0.0;
  for (uint block = 0; block < p.k; block += BK) {
    for (uint l = lane; l < BM * BK / 4; l += size) {
      const uint r = l / (BK / 4), i = l % (BK / 4);
      const vec4 v = row0 + r < p.m ? vec4(a[((row0 + r) * p.stride_a + block) / 4 + i]) : vec4(0);
      for (uint e = 0; e < 4; ++e) tile_a[i * 4 + e][r] = v[e];
    }
    for (uint l = lane; l < BN * BK / 4; l += size) {
      const uint q = l / (BK / 4), i = l % (BK / 4);
      const vec4 v = column0 + q < p.n ? vec4(b[((column0 + q) * p.stride_b + block) / 4 + i]) : vec4(0);
      for (uint e = 0; e < 4; ++e) tile_b[i * 4 + e][q] = v[e];
    }
    barrier();
    for (uint i = 0; i < BK; ++i) {
      float from_a[TM];
      for (uint r = 0; r < TM; ++r) from_a[r] = tile_a[i][lane_r * TM + r];
      for (uint q = 0; q < TN; ++q) {
        const float factor = tile_b[i][lane_q * TN + q];
        for (uint r = 0; r < TM; ++r) sums[q][r] = fma(from_a[r], factor, sums[q][r]);
      }
    }
    barrier();
  }
  for (uint q = 0; q < TN; ++q)
    for (uint r = 0; r < TM; ++r) {
      const uint at_q = column0 + lane_q * TN + q, at_r = row0 + lane_r * TM + r;
      if (at_q < p.n && at_r < p.m) c[at_q * p.stride_c + at_r] = sums[q][r] * p.scale;
    }
}
