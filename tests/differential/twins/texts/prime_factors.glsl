// SPDX-License-Identifier: MIT OR Apache-2.0
// The largest factor, and how many.
void run() {
  uint n = A[index] % 65536u + 2u, largest = 1u, factors = 0u;
  for (uint p = 2u; p * p <= n; p = p == 2u ? 3u : p + 2u) {
    while (n % p == 0u) {
      n /= p;
      largest = p;
      ++factors;
    }
  }
  if (n > 1u) {
    largest = n;
    ++factors;
  }
  R[index] = largest * 32u + factors;
}
