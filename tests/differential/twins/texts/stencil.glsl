// SPDX-License-Identifier: MIT OR Apache-2.0
// Means of neighbours, whose edges are the workgroup's.
#define PHASES 6u
void phase(uint number) {
  uint from = (number & 1u) * 128u;
  if (number == 0u) {
    S[128u + local] = A[index] >> 4u;
    return;
  }
  uint before = local == 0u ? 0u : S[from + local - 1u];
  uint after = local + 1u == width ? 0u : S[from + local + 1u];
  S[128u - from + local] = before / 4u + S[from + local] / 2u + after / 4u;
  if (number == 5u) R[index] = S[128u - from + local];
}
