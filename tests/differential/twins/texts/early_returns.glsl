// SPDX-License-Identifier: MIT OR Apache-2.0
// Functions that return from loops, in a function that does.
uint inner(uint v, uint limit) {
  for (uint k = 0u; k < limit; ++k) {
    if ((v >> k & 3u) == 3u) return k;
    if (k == 20u) return 100u;
  }
  return 200u;
}

uint outer(uint a, uint b) {
  uint sum = 0u;
  for (uint k = 0u; k < 6u; ++k) {
    uint got = inner(a ^ b << k, 5u * k);
    if (got == 100u) return sum + 1000u;
    if (got > 150u) continue;
    sum += got;
    if (sum > 30u) return sum;
  }
  return sum * 3u;
}

void run() { R[index] = outer(A[index], B[index]); }
