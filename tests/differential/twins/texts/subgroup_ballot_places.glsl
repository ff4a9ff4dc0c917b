// SPDX-License-Identifier: MIT OR Apache-2.0
// How many before say yes.
#define PHASES 2u
#define EXCHANGE(v) ballot_before(v)
void phase(uint number) {
  if (number == 0u)
    x = A[index] & 3u;
  else
    R[index] = x * 2u + (A[index] & 1u);
}
