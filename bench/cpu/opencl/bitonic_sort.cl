// SPDX-License-Identifier: MIT OR Apache-2.0
#define THREADS 256
#define BLOCK (2 * THREADS)
kernel void bitonic_sort(global uint* restrict keys, uint n) {
  local uint block[BLOCK];
  uint lane = get_local_id(0), base = get_group_id(0) * BLOCK;
  for (uint i = lane; i < BLOCK; i += THREADS) {
    block[i] = base + i < n ? keys[base + i] : 0xFFFFFFFFu;
  }
  for (uint size = 2; size <= BLOCK; size *= 2) {
    for (uint stride = size / 2; stride > 0; stride /= 2) {
      barrier(CLK_LOCAL_MEM_FENCE);
      uint low = 2 * stride * (lane / stride) + lane % stride, high = low + stride;
      bool ascending = (low & size) == 0;
      uint a = block[low], b = block[high];
      if ((a > b) == ascending) {
        block[low] = b;
        block[high] = a;
      }
    }
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  for (uint i = lane; i < BLOCK; i += THREADS) {
    if (base + i < n) keys[base + i] = block[i];
  }
}
