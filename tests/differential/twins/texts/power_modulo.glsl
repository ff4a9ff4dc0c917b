// SPDX-License-Identifier: MIT OR Apache-2.0
// Powers in a prime field.
uint times(uint a, uint b, uint m) {
  uint sum = 0u;
  for (; b != 0u; b >>= 1u) {
    if ((b & 1u) != 0u) sum = (sum + a) % m;
    a = (a + a) % m;
  }
  return sum;
}

void run() {
  uint m = 1000003u, base = A[index] % m, e = B[index] % 4096u, r = 1u;
  while (e > 0u) {
    if (e % 2u == 1u) r = times(r, base, m);
    base = times(base, base, m);
    e /= 2u;
  }
  R[index] = r;
}
