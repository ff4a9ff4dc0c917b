// SPDX-License-Identifier: MIT OR Apache-2.0
#define THREADS 256
#define BLOCK (2 * THREADS)
kernel void scan(global const uint* restrict values, global uint* restrict sums,
                 global uint* restrict totals, uint n) {
  local uint block[BLOCK];
  uint lane = get_local_id(0), base = get_group_id(0) * BLOCK;
  uint first = base + 2 * lane;
  block[2 * lane] = first < n ? values[first] : 0;
  block[2 * lane + 1] = first + 1 < n ? values[first + 1] : 0;
  uint offset = 1;
  for (uint width = THREADS; width > 0; width /= 2, offset *= 2) {
    barrier(CLK_LOCAL_MEM_FENCE);
    if (lane < width) {
      block[offset * (2 * lane + 2) - 1] += block[offset * (2 * lane + 1) - 1];
    }
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  if (lane == 0) {
    totals[get_group_id(0)] = block[BLOCK - 1];
    block[BLOCK - 1] = 0;
  }
  for (uint width = 1; width <= THREADS; width *= 2) {
    offset /= 2;
    barrier(CLK_LOCAL_MEM_FENCE);
    if (lane < width) {
      uint left = offset * (2 * lane + 1) - 1, right = offset * (2 * lane + 2) - 1;
      uint carried = block[left];
      block[left] = block[right];
      block[right] += carried;
    }
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  for (uint i = 2 * lane; i < 2 * lane + 2; ++i) {
    if (base + i < n) sums[base + i] = block[i];
  }
}
