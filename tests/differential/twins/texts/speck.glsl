// SPDX-License-Identifier: MIT OR Apache-2.0
// Speck of 32 bits, in numbers of 16.
uint16_t turn(uint16_t v, uint by) {
  uint w = uint(v);
  return uint16_t(w << by | w >> (16u - by));
}

void run() {
  uint16_t a = uint16_t(A[index]), b = uint16_t(A[index] >> 16u), key = uint16_t(B[index]);
  for (uint k = 0u; k < 22u; ++k) {
    a = uint16_t(uint(turn(a, 9u)) + uint(b));
    a = uint16_t(uint(a) ^ uint(key));
    b = uint16_t(uint(turn(b, 2u)) ^ uint(a));
    key = uint16_t(uint(turn(key, 7u)) * 3u + k);
  }
  R[index] = uint(a) << 16u | uint(b);
}
