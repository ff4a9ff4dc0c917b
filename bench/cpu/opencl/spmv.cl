// SPDX-License-Identifier: MIT OR Apache-2.0
kernel void spmv(global const uint* restrict starts, global const uint* restrict columns,
                 global const float* restrict values, global const float* restrict x,
                 global float* restrict y, uint rows) {
  uint row = get_global_id(0);
  if (row >= rows) return;
  float sum = 0.0f;
  for (uint i = starts[row]; i < starts[row + 1]; ++i) sum += values[i] * x[columns[i]];
  y[row] = sum;
}
