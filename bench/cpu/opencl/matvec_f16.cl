// SPDX-License-Identifier: MIT OR Apache-2.0
kernel void matvec_f16(global const half* restrict a, global const half* restrict x,
                       global float* restrict y, uint rows, uint columns) {
  local float sums[64];
  uint row = get_group_id(0), lane = get_local_id(0);
  if (row >= rows) return;
  float sum = 0.0f;
  for (uint i = lane; i < columns; i += get_local_size(0)) {
    sum += vload_half(row * columns + i, a) * vload_half(i, x);
  }
  sums[lane] = sum;
  barrier(CLK_LOCAL_MEM_FENCE);
  for (uint width = get_local_size(0) / 2; width > 0; width /= 2) {
    if (lane < width) sums[lane] += sums[lane + width];
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  if (lane == 0) y[row] = sums[0];
}
