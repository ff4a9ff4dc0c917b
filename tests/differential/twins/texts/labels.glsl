// SPDX-License-Identifier: MIT OR Apache-2.0
// Flags that leave three loops at once.
void run() {
  uint tries = 0u, answer = 0u;
  bool done = false;
  for (uint i = 1u; i < 12u && !done; ++i)
    for (uint k = i; k < 12u && !done; ++k)
      for (uint m = k; m < 20u; ++m) {
        ++tries;
        if (i * i + k * k == m * m && (i + k + m + A[index]) % 3u == 0u) {
          answer = i << 16u | k << 8u | m;
          done = true;
          break;
        }
        if (tries == B[index] % 600u) {
          done = true;
          break;
        }
      }
  R[index] = answer ^ tries << 20u;
}
