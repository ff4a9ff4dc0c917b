// SPDX-License-Identifier: MIT OR Apache-2.0
// Halves decoded and encoded by whole numbers alone.
uint decoded(uint h) {
  uint negative = (h & 0x8000u) << 16u, e = h >> 10u & 31u, m = h & 0x3FFu;
  if (e == 31u) return negative | 0x7F800000u | m << 13u;
  if (e == 0u) {
    if (m == 0u) return negative;
    e = 113u;
    while ((m & 0x400u) == 0u) {
      m <<= 1u;
      --e;
    }
    return negative | e << 23u | (m & 0x3FFu) << 13u;
  }
  return negative | (e + 112u) << 23u | m << 13u;
}

void run() { R[index] = decoded(A[index] & 0xFFFFu) ^ decoded(B[index] >> 16u) >> 1u; }
