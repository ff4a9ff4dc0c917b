// SPDX-License-Identifier: MIT OR Apache-2.0
kernel void matmul_naive(global const float* restrict a, global const float* restrict b,
                         global float* restrict c, uint m, uint n, uint k) {
  uint col = get_global_id(0), row = get_global_id(1);
  if (row >= m || col >= n) return;
  float sum = 0.0f;
  for (uint i = 0; i < k; ++i) sum += a[row * k + i] * b[i * n + col];
  c[row * n + col] = sum;
}
