// SPDX-License-Identifier: MIT OR Apache-2.0
#define TILE 16
kernel void matmul_tiled(global const float* restrict a, global const float* restrict b,
                         global float* restrict c, uint m, uint n, uint k) {
  local float tile_a[TILE][TILE], tile_b[TILE][TILE];
  uint col = get_global_id(0), row = get_global_id(1);
  uint tx = get_local_id(0), ty = get_local_id(1);
  float sum = 0.0f;
  for (uint start = 0; start < k; start += TILE) {
    tile_a[ty][tx] = row < m && start + tx < k ? a[row * k + start + tx] : 0.0f;
    tile_b[ty][tx] = col < n && start + ty < k ? b[(start + ty) * n + col] : 0.0f;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint i = 0; i < TILE; ++i) sum += tile_a[ty][i] * tile_b[i][tx];
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  if (row < m && col < n) c[row * n + col] = sum;
}
