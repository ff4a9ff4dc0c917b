// SPDX-License-Identifier: MIT OR Apache-2.0
// The sum of a workgroup of any size, by halves.
#define PHASES 9u
void phase(uint number) {
  if (number == 0u) {
    S[local] = A[index];
    return;
  }
  uint half_of = 256u >> number;
  if (local < half_of && local + half_of < width) S[local] += S[local + half_of];
  if (number == 8u) R[index] = local == 0u ? S[0] : B[index];
}
