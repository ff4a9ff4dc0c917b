// SPDX-License-Identifier: MIT OR Apache-2.0
// The sum of each subgroup, by way of shared memory.
#define PHASES 3u
#define EXCHANGE(v) subgroupAdd(v)
void phase(uint number) {
  if (number == 0u) {
    x = A[index];
  } else if (number == 1u) {
    if (lane == 0u) S[local / lanes] = x;
  } else {
    uint sum = 0u;
    for (uint k = 0u; k * lanes < width; ++k) sum = sum * 3u + S[k];
    R[index] = sum;
  }
}
