// SPDX-License-Identifier: MIT OR Apache-2.0
// Three bytes as four letters.
uint letter(uint v) {
  if (v < 26u) return 65u + v;
  if (v < 52u) return 71u + v;
  if (v < 62u) return v - 4u;
  return v == 62u ? 43u : 47u;
}

void run() {
  uint r = 0u;
  for (int k = 3; k >= 0; --k) r = r << 8u | letter(A[index] >> (6 * k) & 63u);
  R[index] = r;
}
