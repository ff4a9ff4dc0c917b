// SPDX-License-Identifier: MIT OR Apache-2.0
// From a place that varies, inside of what is there of the subgroup.
#define PHASES 3u
#define EXCHANGE(v) subgroupShuffle(v, (lane + A[group]) % 4u % lanes_here())
uint lanes_here() { return min(lanes, width - (local - lane)); }

void phase(uint number) {
  if (number == 0u) {
    x = A[index] + B[index];
    return;
  }
  R[index] = x;
  x = x * 5u + lane;
}
