// SPDX-License-Identifier: MIT OR Apache-2.0
// The first that says yes, or none.
#define PHASES 2u
#define EXCHANGE(v) ballot_lowest(v)
void phase(uint number) {
  if (number == 0u)
    x = A[index] % 7u == 0u ? 1u : 0u;
  else
    R[index] = x;
}
