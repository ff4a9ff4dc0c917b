// SPDX-License-Identifier: MIT OR Apache-2.0
// Decimal digits, shifted in and added three.
void run() {
  uint v = A[index] & 0xFFFFFFu, r = 0u;
  for (int k = 0; k < 24; ++k) {
    for (uint d = 0u; d < 32u; d += 4u)
      if ((r >> d & 15u) >= 5u) r += 3u << d;
    r = r << 1u | (v >> 23u & 1u);
    v <<= 1u;
  }
  R[index] = r;
}
