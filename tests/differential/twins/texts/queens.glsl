// SPDX-License-Identifier: MIT OR Apache-2.0
// Queens on a small board: a stack of one's own, and sets of bits.
uint free_at[8], columns[8], left_at[8], right_at[8];

void run() {
  uint n = 4u + A[index] % 3u, all = (1u << n) - 1u, found = 0u, nodes = 0u;
  int top = 0;
  columns[0] = left_at[0] = right_at[0] = 0u;
  free_at[0] = all;
  while (top >= 0) {
    ++nodes;
    if (free_at[top] == 0u) {
      --top;
      continue;
    }
    uint bit = free_at[top] & (0u - free_at[top]);
    free_at[top] ^= bit;
    uint taken = columns[top] | bit;
    if (taken == all) {
      ++found;
      continue;
    }
    uint left_now = (left_at[top] | bit) << 1u, right_now = (right_at[top] | bit) >> 1u;
    ++top;
    columns[top] = taken;
    left_at[top] = left_now;
    right_at[top] = right_now;
    free_at[top] = all & ~(taken | left_now | right_now);
  }
  R[index] = found * 1000u + nodes;
}
