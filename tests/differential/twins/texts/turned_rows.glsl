// SPDX-License-Identifier: MIT OR Apache-2.0
// A square of eight rows transposed by way of shared memory, the rest reversed.
#define PHASES 2u
void phase(uint number) {
  uint square = width / 64u * 64u;
  if (number == 0u) {
    S[local] = A[index] + B[index];
    return;
  }
  if (local < square)
    R[index] = S[(local & ~63u) | (local & 7u) << 3u | (local >> 3u & 7u)];
  else
    R[index] = S[square + (width - 1u - local)];
}
