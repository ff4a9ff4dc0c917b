// SPDX-License-Identifier: MIT OR Apache-2.0
// Steps of the Collatz sequence, at most 200.
uint steps(uint n) {
  uint k = 0u;
  while (n != 1u && k < 200u) {
    n = (n & 1u) == 0u ? n / 2u : n * 3u + 1u;
    ++k;
  }
  return k;
}

void run() { R[index] = steps(A[index] % 1000u + 1u); }
