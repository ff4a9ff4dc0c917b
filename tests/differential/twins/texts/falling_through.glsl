// SPDX-License-Identifier: MIT OR Apache-2.0
// A switch whose cases run into each other, in a loop.
void run() {
  uint r = B[index], bits = A[index];
  for (uint k = 0u; k < 8u; ++k) {
    switch (bits >> (k * 4u) & 15u) {
      case 0u:
      case 1u:
        r += 17u;
      case 2u:
        r *= 3u;
      case 3u:
        r ^= k;
        break;
      case 7u:
        continue;
      case 8u:
        if ((r & 1u) == 0u) break;
        r >>= 1u;
        break;
      case 15u:
        k += 2u;
      default:
        r -= bits;
    }
    r = r << 5u | r >> 27u;
  }
  R[index] = r;
}
