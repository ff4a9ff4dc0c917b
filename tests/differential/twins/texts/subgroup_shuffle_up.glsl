// SPDX-License-Identifier: MIT OR Apache-2.0
// Words that move up a subgroup.
#define PHASES 5u
#define EXCHANGE(v) subgroupShuffleUp(v, 1u)
void phase(uint number) {
  if (number == 0u) {
    x = A[index];
    return;
  }
  if (lane == 0u) x = B[index];
  x = x * 3u + number;
  R[index] = x;
}
