// SPDX-License-Identifier: MIT OR Apache-2.0
kernel void histogram_global(global const uint* restrict words, global uint* restrict bins,
                             uint n) {
  uint i = get_global_id(0);
  if (i >= n) return;
  uint word = words[i];
  atomic_inc(&bins[word & 255]);
  atomic_inc(&bins[(word >> 8) & 255]);
  atomic_inc(&bins[(word >> 16) & 255]);
  atomic_inc(&bins[word >> 24]);
}
