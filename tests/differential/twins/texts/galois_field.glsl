// SPDX-License-Identifier: MIT OR Apache-2.0
// Products and inverses of bytes in the field of AES.
uint product(uint a, uint b) {
  uint r = 0u;
  while (b != 0u) {
    if ((b & 1u) != 0u) r ^= a;
    a = (a << 1u) ^ ((a & 0x80u) != 0u ? 0x11Bu : 0u);
    b >>= 1u;
  }
  return r;
}

uint inverse(uint a) {
  uint r = 1u;
  for (int k = 0; k < 7; ++k) {
    a = product(a, a);
    r = product(r, a);
  }
  return r;
}

void run() {
  uint a = A[index] & 0xFFu, inverted = inverse(a);
  uint checked = product(a, inverted);
  R[index] = checked << 16u | inverted << 8u | product(a, B[index] & 0xFFu);
}
