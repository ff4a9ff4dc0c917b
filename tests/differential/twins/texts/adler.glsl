// SPDX-License-Identifier: MIT OR Apache-2.0
// Adler-32 of the digits of a number.
void run() {
  uint a = 1u, b = 0u, n = A[index];
  do {
    a = (a + n % 10u + 48u) % 65521u;
    b = (b + a) % 65521u;
    n /= 10u;
  } while (n != 0u);
  R[index] = b << 16u | a;
}
