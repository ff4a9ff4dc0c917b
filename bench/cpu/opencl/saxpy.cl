// SPDX-License-Identifier: MIT OR Apache-2.0
kernel void saxpy(global const float* restrict x, global float* restrict y, uint n, float a) {
  uint i = get_global_id(0);
  if (i < n) y[i] = a * x[i] + y[i];
}
