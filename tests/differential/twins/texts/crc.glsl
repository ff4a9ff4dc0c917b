// SPDX-License-Identifier: MIT OR Apache-2.0
// CRC-32 of the bytes of two words.
uint crc(uint word, uint r) {
  for (int k = 0; k < 4; ++k) {
    r ^= word & 0xFFu;
    word >>= 8u;
    for (int bit = 0; bit < 8; ++bit) r = (r >> 1u) ^ ((r & 1u) != 0u ? 0xEDB88320u : 0u);
  }
  return r;
}

void run() { R[index] = ~crc(B[index], crc(A[index], 0xFFFFFFFFu)); }
