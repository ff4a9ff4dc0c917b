// SPDX-License-Identifier: MIT OR Apache-2.0
kernel void histogram_shared(global const uint* restrict words, global uint* restrict bins,
                             uint n) {
  local uint counts[256];
  uint lane = get_local_id(0);
  counts[lane] = 0;
  barrier(CLK_LOCAL_MEM_FENCE);
  uint stride = get_num_groups(0) * get_local_size(0);
  for (uint i = get_global_id(0); i < n; i += stride) {
    uint word = words[i];
    atomic_inc(&counts[word & 255]);
    atomic_inc(&counts[(word >> 8) & 255]);
    atomic_inc(&counts[(word >> 16) & 255]);
    atomic_inc(&counts[word >> 24]);
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  if (counts[lane] != 0) atomic_add(&bins[lane], counts[lane]);
}
