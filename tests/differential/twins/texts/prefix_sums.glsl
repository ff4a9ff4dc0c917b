// SPDX-License-Identifier: MIT OR Apache-2.0
// By doubling the distance, in two halves of memory.
#define PHASES 9u
void phase(uint number) {
  if (number == 0u) {
    S[local] = A[index];
    return;
  }
  uint from = (number & 1u) == 1u ? 0u : 128u, by = 1u << (number - 1u);
  uint v = S[from + local];
  if (local >= by) v += S[from + local - by];
  S[128u - from + local] = v;
  if (number == 8u) R[index] = v;
}
