// SPDX-License-Identifier: MIT OR Apache-2.0
// Loops in loops, some rounds of which are skipped.
void run() {
  uint sum = 0u, a = A[index] % 11u, b = B[index] % 7u;
  for (uint i = 0u; i < a; ++i) {
    if (i == b) continue;
    for (uint k = i; k < 9u; ++k) {
      if ((k ^ i) == 5u) continue;
      if (k * i > 40u) break;
      for (uint m = 0u; m < 3u; ++m) {
        if (m == k % 3u) continue;
        sum = sum * 3u + i + k + m;
      }
    }
    sum ^= i << 20u;
  }
  R[index] = sum;
}
