// SPDX-License-Identifier: MIT OR Apache-2.0
// A long chain of conditions, of which the first that holds counts.
void run() {
  uint a = A[index] & 0xFFu, b = B[index] & 0xFFu, r = 0u;
  if (a == b)
    r = 1u;
  else if (a < 10u)
    r = 2u + b;
  else if (b < 10u)
    r = 300u + a;
  else if ((a ^ b) < 16u)
    r = 600u + (a ^ b);
  else if (a % 7u == b % 7u)
    r = 700u + a % 7u;
  else if (a > 200u || b > 200u && a > 100u)
    r = 800u;
  else
    r = 900u + a / b;
  R[index] = r;
}
