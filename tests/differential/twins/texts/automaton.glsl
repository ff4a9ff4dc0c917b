// SPDX-License-Identifier: MIT OR Apache-2.0
// Rule 110 and its kin on a ring of 32 cells.
void run() {
  uint cells = A[index], rule = B[index] & 255u;
  for (uint k = 0u; k < 20u; ++k) {
    uint left_ones = cells << 1u | cells >> 31u, right_ones = cells >> 1u | cells << 31u, next = 0u;
    for (uint c = 0u; c < 8u; ++c) {
      if ((rule >> c & 1u) == 0u) continue;
      uint l = (c & 4u) != 0u ? left_ones : ~left_ones;
      uint m = (c & 2u) != 0u ? cells : ~cells;
      uint r = (c & 1u) != 0u ? right_ones : ~right_ones;
      next |= l & m & r;
    }
    cells = next;
  }
  R[index] = cells;
}
