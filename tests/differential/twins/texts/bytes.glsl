// SPDX-License-Identifier: MIT OR Apache-2.0
// Numbers of 8 bits, with and without a sign.
void run() {
  int8_t s = int8_t(A[index]);
  uint8_t u = uint8_t(B[index]);
  uint r = 0u;
  for (uint k = 0u; k < 9u; ++k) {
    s = int8_t(int(s) * 3 + int(u));
    u = uint8_t(uint(u) / 3u + uint(int(s) & 255));
    if (s < int8_t(0)) r += uint(u);
    if (u > uint8_t(200)) r = r * 5u + 1u;
    r = r * 7u + uint(int(s) + 128);
  }
  R[index] = r;
}
