// SPDX-License-Identifier: MIT OR Apache-2.0
// A private array, sorted by insertion.
uint v[12];

void run() {
  for (uint k = 0u; k < 12u; ++k) v[k] = (A[index] * (k * 2u + 1u) + B[index]) >> 20u;
  for (int k = 1; k < 12; ++k) {
    uint held = v[k];
    int at = k - 1;
    while (at >= 0 && v[max(at, 0)] > held) {
      v[at + 1] = v[at];
      --at;
    }
    v[at + 1] = held;
  }
  uint r = 0u;
  for (int k = 0; k < 12; ++k) r = r * 31u + v[k];
  R[index] = r;
}
