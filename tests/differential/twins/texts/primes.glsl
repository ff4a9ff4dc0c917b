// SPDX-License-Identifier: MIT OR Apache-2.0
// A sieve in a private array of bits.
uint bits[8];

void run() {
  for (int k = 0; k < 8; ++k) bits[k] = ~0u;
  uint limit = A[index] % 200u + 40u, sum = 0u;
  for (uint p = 2u; p < limit; ++p) {
    if ((bits[p / 32u] >> p % 32u & 1u) == 0u) continue;
    sum += p;
    for (uint m = p * p; m < limit; m += p) bits[m / 32u] &= ~(1u << m % 32u);
  }
  R[index] = sum;
}
