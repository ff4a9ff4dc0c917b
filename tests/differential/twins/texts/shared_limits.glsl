// SPDX-License-Identifier: MIT OR Apache-2.0
// Minima, maxima and bits by atomic operations.
#define PHASES 3u
void phase(uint number) {
  if (number == 0u) {
    if (local == 0u) {
      S[0] = 0xFFFFFFFFu;
      S[1] = 0u;
      S[2] = 0xFFFFFFFFu;
      S[3] = 0u;
      S[4] = 0u;
    }
  } else if (number == 1u) {
    atomicMin(S[0], A[index]);
    atomicMax(S[1], A[index]);
    atomicAnd(S[2], B[index] | 0xFFu);
    if ((local & 1u) == 0u) atomicOr(S[3], B[index] & 0xFFFFu);
    atomicXor(S[4], A[index] * B[index]);
  } else {
    R[index] = S[0] + S[1] * 3u + S[2] * 5u + S[3] * 7u + S[4] * 11u;
  }
}
