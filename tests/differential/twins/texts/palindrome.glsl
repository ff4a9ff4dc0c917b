// SPDX-License-Identifier: MIT OR Apache-2.0
// The next number that reads the same backwards.
uint backwards(uint n) {
  uint r = 0u;
  for (; n != 0u; n /= 10u) r = r * 10u + n % 10u;
  return r;
}

void run() {
  uint n = A[index] % 100000u;
  for (;;) {
    if (n == backwards(n)) break;
    ++n;
  }
  R[index] = n;
}
