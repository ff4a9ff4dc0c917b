// SPDX-License-Identifier: MIT OR Apache-2.0
// Conditions that vary inside of ones that do not, and the reverse.
void run() {
  uint r = A[index];
  if ((A[group] & 1u) == 0u) {
    if ((r & 2u) != 0u) {
      r *= 3u;
      if ((B[group] & 4u) != 0u) r += 5u;
    } else {
      r ^= B[group];
    }
  } else {
    for (uint k = 0u; k < (r & 3u); ++k) {
      r += k;
      if ((B[group] >> k & 1u) != 0u) break;
      r = r << 1u | r >> 31u;
    }
  }
  R[index] = r;
}
