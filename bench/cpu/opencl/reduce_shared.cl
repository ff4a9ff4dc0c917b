// SPDX-License-Identifier: MIT OR Apache-2.0
kernel void reduce_shared(global const float* restrict values, global float* restrict partial,
                          uint n) {
  local float sums[256];
  uint lane = get_local_id(0);
  uint stride = get_num_groups(0) * get_local_size(0);
  float sum = 0.0f;
  for (uint i = get_global_id(0); i < n; i += stride) sum += values[i];
  sums[lane] = sum;
  barrier(CLK_LOCAL_MEM_FENCE);
  for (uint width = get_local_size(0) / 2; width > 0; width /= 2) {
    if (lane < width) sums[lane] += sums[lane + width];
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  if (lane == 0) partial[get_group_id(0)] = sums[0];
}
