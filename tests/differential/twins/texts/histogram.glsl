// SPDX-License-Identifier: MIT OR Apache-2.0
// Counts by atomic sums in shared memory.
#define PHASES 3u
void phase(uint number) {
  if (number == 0u) {
    for (uint k = local; k < 256u; k += width) S[k] = 0u;
  } else if (number == 1u) {
    atomicAdd(S[A[index] & 15u], 1u);
    atomicAdd(S[128u + (A[index] & 15u)], B[index]);
  } else {
    R[index] = S[local & 15u] * 31u + S[128u + (local & 15u)];
  }
}
