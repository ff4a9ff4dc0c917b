// SPDX-License-Identifier: MIT OR Apache-2.0
// Each second invocation takes what the one before has.
#define PHASES 4u
#define EXCHANGE(v) subgroupShuffle(v, lane & ~1u)
void phase(uint number) {
  if (number == 0u) {
    x = A[index];
    return;
  }
  R[index] = x ^ lane;
  x += B[index] * number;
}
