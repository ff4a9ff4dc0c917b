// SPDX-License-Identifier: MIT OR Apache-2.0
// Parameters that functions change, one through another.
void divided(uint n, uint by, INOUT(uint, q), INOUT(uint, rest)) {
  q = n / by;
  rest = n % by;
}

void reduced(INOUT(uint, n), INOUT(uint, sum)) {
  uint q = 0u, rest = 0u;
  divided(n, 7u, q, rest);
  n = q;
  sum = sum * 7u + rest * rest;
}

void run() {
  uint n = A[index], sum = B[index] % 3u;
  while (n > 10u) reduced(n, sum);
  R[index] = sum + n;
}
