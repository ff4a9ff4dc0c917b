// SPDX-License-Identifier: MIT OR Apache-2.0
// PoCL 3 has no subgroups on processors: one barrier, then one work-item sums what the
// subgroups would have left.
kernel void reduce_subgroup(global const float* restrict values, global float* restrict partial,
                            uint n) {
  local float sums[256];
  uint lane = get_local_id(0);
  uint stride = get_num_groups(0) * get_local_size(0);
  float sum = 0.0f;
  for (uint i = get_global_id(0); i < n; i += stride) sum += values[i];
  sums[lane] = sum;
  barrier(CLK_LOCAL_MEM_FENCE);
  if (lane != 0) return;
  for (uint i = 1; i < get_local_size(0); ++i) sum += sums[i];
  partial[get_group_id(0)] = sum;
}
