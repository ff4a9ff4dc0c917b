// SPDX-License-Identifier: MIT OR Apache-2.0
// A convolution of 3 x 3 as an implicit matrix product: tiles of BM output channels by BN pixels.
//   0.0  x: f32[C][H][W], read  0.1  weight: f32[O][C][3][3], read  0.2  y: f32[O][OH][OW], written
// Launch: ceil(O / BM), ceil(OH * OW / BN) workgroups.
#version 450
layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(constant_id = 1) const uint BM = 32;
layout(constant_id = 2) const uint BN = 64;
layout(constant_id = 3) const uint BK = 16;
layout(constant_id = 4) const uint TM = 4;
layout(constant_id = 5) const uint TN = 4;
layout(constant_id = 6) const uint KERNEL = 3;
layout(set = 0, binding = 0) readonly buffer X { float x[]; };
layout(set = 0, binding = 1) readonly buffer G { float weight[]; };
layout(set = 0, binding = 2) writeonly buffer Y { float y[]; };
layout(push_constant) uniform Parameters {
  uint channels, height, width, outputs, out_height, out_width;
  int stride_x, stride_y, pad_x, pad_y, dilation_x, dilation_y;
};
shared float tile_w[BK][BM + 1];
shared float tile_x[BK][BN];

void main() {
  const uint lane = gl_LocalInvocationID.x, size = gl_WorkGroupSize.x;
  const uint lane_m = lane / (BN / TN), lane_n = lane % (BN / TN);
  const uint depth = channels * KERNEL * KERNEL, pixels = out_height * out_width;
  const uint output0 = gl_WorkGroupID.x * BM, pixel0 = gl_WorkGroupID.y * BN;
  float sums[TM][TN];
  for (uint i = 0; i < TM; ++i)
    for (uint j = 0; j < TN; ++j) sums[i][j] = 0.0;
  for (uint block = 0; block < depth; block += BK) {
    for (uint l = lane; l < BM * BK; l += size) {
      const uint o = l / BK, i = l % BK;
      tile_w[i][o] = output0 + o < outputs && block + i < depth ? weight[(output0 + o) * depth + block + i] : 0.0;
    }
    for (uint l = lane; l < BN * BK; l += size) {
      const uint i = l / BN, pixel = pixel0 + l % BN, k = block + i;
      const uint c = k / (KERNEL * KERNEL), ky = k / KERNEL % KERNEL, kx = k % KERNEL;
      const int iy = int(pixel / out_width) * stride_y + int(ky) * dilation_y - pad_y;
      const int ix = int(pixel % out_width) * stride_x + int(kx) * dilation_x - pad_x;
      const bool inside = pixel < pixels && k < depth && iy >= 0 && iy < int(height) && ix >= 0 && ix < int(width);
      tile_x[i][l % BN] = inside ? x[(c * height + uint(iy)) * width + uint(ix)] : 0.0;
    }
    barrier();
    for (uint i = 0; i < BK; ++i) {
      float from_w[TM];
      for (uint m = 0; m < TM; ++m) from_w[m] = tile_w[i][lane_m * TM + m];
      for (uint n = 0; n < TN; ++n) {
        const float v = tile_x[i][lane_n + n * (BN / TN)];
        for (uint m = 0; m < TM; ++m) sums[m][n] = fma(from_w[m], v, sums[m][n]);
      }
    }
    barrier();
  }
  for (uint m = 0; m < TM; ++m)
    for (uint n = 0; n < TN; ++n) {
      const uint o = output0 + lane_m * TM + m, pixel = pixel0 + lane_n + n * (BN / TN);
      if (o < outputs && pixel < pixels) y[o * pixels + pixel] = sums[m][n];
    }
}
