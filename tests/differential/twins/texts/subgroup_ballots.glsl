// SPDX-License-Identifier: MIT OR Apache-2.0
// How many say yes.
#define PHASES 4u
#define EXCHANGE(v) ballot_count(v)
void phase(uint number) {
  if (number != 0u) R[index] = number == 1u ? x : R[index] * 65u + x;
  x = A[index] >> number & B[index] & 1u;
}
