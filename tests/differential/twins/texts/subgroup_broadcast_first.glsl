// SPDX-License-Identifier: MIT OR Apache-2.0
// A subgroup of any size, its last one partial.
#define PHASES 2u
#define EXCHANGE(v) subgroupBroadcastFirst(v)
void phase(uint number) {
  if (number == 0u) {
    x = A[index] ^ lane;
  } else {
    R[index] = x * 3u + B[index];
  }
}
