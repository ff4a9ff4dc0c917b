// SPDX-License-Identifier: MIT OR Apache-2.0
// Gray codes, and bits that are interleaved.
uint spread(uint v) {
  v &= 0xFFFFu;
  v = (v | v << 8u) & 0x00FF00FFu;
  v = (v | v << 4u) & 0x0F0F0F0Fu;
  v = (v | v << 2u) & 0x33333333u;
  return (v | v << 1u) & 0x55555555u;
}

void run() {
  uint gray = A[index] ^ A[index] >> 1u, back = gray;
  for (uint by = 1u; by < 32u; by <<= 1u) back ^= back >> by;
  R[index] = back == A[index] ? gray ^ (spread(A[index]) | spread(B[index]) << 1u) : 0xBADu;
}
