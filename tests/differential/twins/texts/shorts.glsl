// SPDX-License-Identifier: MIT OR Apache-2.0
// Numbers of 16 bits: compared, shifted, divided.
void run() {
  int16_t s = int16_t(A[index]);
  uint16_t u = uint16_t(B[index]);
  uint r = 0u;
  for (int k = 0; k < 7; ++k) {
    int16_t halved = int16_t(int(s) >> 1);
    u = uint16_t(uint(u) * 40503u + uint(int(halved) & 0xFFFF));
    s = int16_t(int(u) - int(s) / 3);
    r = r * 3u + uint(u) + (s < halved ? 1u : 0u);
  }
  R[index] = r;
}
