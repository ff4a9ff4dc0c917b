// SPDX-License-Identifier: MIT OR Apache-2.0
kernel void matvec_int8_dot(global const char4* restrict a, global const char4* restrict x,
                            global int* restrict y, uint rows, uint quads) {
  local int sums[64];
  uint row = get_group_id(0), lane = get_local_id(0);
  if (row >= rows) return;
  int sum = 0;
  for (uint i = lane; i < quads; i += get_local_size(0)) {
    int4 products = convert_int4(a[row * quads + i]) * convert_int4(x[i]);
    sum += products.x + products.y + products.z + products.w;
  }
  sums[lane] = sum;
  barrier(CLK_LOCAL_MEM_FENCE);
  for (uint width = get_local_size(0) / 2; width > 0; width /= 2) {
    if (lane < width) sums[lane] += sums[lane + width];
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  if (lane == 0) y[row] = sums[0];
}
