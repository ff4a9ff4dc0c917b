// SPDX-License-Identifier: MIT OR Apache-2.0
// C[m, n] = sum over k of A[m, k] * B[n, k], as inference libraries write it: tiles of BM x BN
// staged through Workgroup memory BK deep, TM x TN sums a lane in registers.
//   0.0  a: vec4[], read, rows of `stride_a` floats   0.1  b: the same   0.2  c: f32[], written
// Launch: ceil(m / BM), ceil(n / BN) workgroups.
#version 450
layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(constant_id = 1) const uint BM = 64;
layout(constant_id = 2) const uint BN = 64;
layout(constant_id = 3) const uint BK = 16;
layout(constant_id = 4) const uint WM = 32;
layout(constant_id = 5) const uint WN = 32;
layout(constant_id = 6) const uint TM = 4;
layout(constant_id = 7) const uint TN = 2;
layout(constant_id = 8) const uint WARP = 32;

layout(set = 0, binding = 0) readonly buffer A { vec4 a[]; };
layout(set = 0, binding = 1) readonly buffer B { vec4 b[]; };
layout(set = 0, binding = 2) writeonly buffer C { float c[]; };
layout(push_constant) uniform Parameters {
  uint m, n, k, stride_a, stride_b, stride_c;
};

const uint WMITER = 1;
const uint SUBM = WM / WMITER;
const uint WNITER = (WM * WN) / (WARP * TM * TN * WMITER);
const uint SUBN = WN / WNITER;
const uint PITCH = BK + 1;
shared float tile_a[BM * (BK + 1)];
shared float tile_b[BN * (BK + 1)];

void main() {
  const uint warp = gl_LocalInvocationID.x / WARP;
  const uint in_warp = gl_LocalInvocationID.x % WARP;
  const uint tiw_r = in_warp % (SUBM / TM);
  const uint tiw_c = in_warp / (SUBM / TM);
  const uint warp_r = warp % (BM / WM);
  const uint warp_c = warp / (BM / WM);
  const uint row0 = gl_WorkGroupID.x * BM, column0 = gl_WorkGroupID.y * BN;
  const uint load_r = gl_LocalInvocationID.x % (BK / 4);
  const uint load_c = gl_LocalInvocationID.x / (BK / 4);
  const uint load_step = gl_WorkGroupSize.x * 4 / BK;

  float sums[WMITER * TM * WNITER * TN];
  float column_a[WMITER * TM], column_b[TN];
  for (uint i = 0; i < WMITER * TM * WNITER * TN; ++i) sums[i] = 0.0;

  for (uint block = 0; block < k; block += BK) {
    for (uint l = 0; l < BM; l += load_step) {
      const uint row = row0 + load_c + l;
      vec4 v = row < m ? a[(row * stride_a + block) / 4 + load_r] : vec4(0.0);
      const uint at = (load_c + l) * PITCH + load_r * 4;
      tile_a[at] = v.x;
      tile_a[at + 1] = v.y;
      tile_a[at + 2] = v.z;
      tile_a[at + 3] = v.w;
    }
    for (uint l = 0; l < BN; l += load_step) {
      const uint row = column0 + load_c + l;
      vec4 v = row < n ? b[(row * stride_b + block) / 4 + load_r] : vec4(0.0);
      const uint at = (load_c + l) * PITCH + load_r * 4;
      tile_b[at] = v.x;
      tile_b[at + 1] = v.y;
      tile_b[at + 2] = v.z;
      tile_b[at + 3] = v.w;
    }
    barrier();
    for (uint i = 0; i < BK; ++i) {
      for (uint wr = 0; wr < WMITER; ++wr)
        for (uint j = 0; j < TM; ++j)
          column_a[wr * TM + j] = tile_a[(warp_r * WM + wr * SUBM + tiw_r * TM + j) * PITCH + i];
      for (uint wc = 0; wc < WNITER; ++wc) {
        for (uint j = 0; j < TN; ++j)
          column_b[j] = tile_b[(warp_c * WN + wc * SUBN + tiw_c * TN + j) * PITCH + i];
        for (uint wr = 0; wr < WMITER; ++wr)
          for (uint cc = 0; cc < TN; ++cc)
            for (uint cr = 0; cr < TM; ++cr) {
              const uint at = (wc * TN + cc) * (WMITER * TM) + wr * TM + cr;
              sums[at] = fma(column_a[wr * TM + cr], column_b[cc], sums[at]);
            }
      }
    }
    barrier();
  }
  for (uint wc = 0; wc < WNITER; ++wc)
    for (uint wr = 0; wr < WMITER; ++wr) {
      const uint r = row0 + warp_r * WM + wr * SUBM + tiw_r * TM;
      const uint q = column0 + warp_c * WN + wc * SUBN + tiw_c * TN;
      for (uint cc = 0; cc < TN; ++cc)
        for (uint cr = 0; cr < TM; ++cr)
          if (r + cr < m && q + cc < n)
            c[(q + cc) * stride_c + r + cr] = sums[(wc * TN + cc) * (WMITER * TM) + wr * TM + cr];
    }
}
