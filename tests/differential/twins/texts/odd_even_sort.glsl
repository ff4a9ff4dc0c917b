// SPDX-License-Identifier: MIT OR Apache-2.0
// A workgroup sorts itself, neighbours at a time.
#define PHASES 130u
void phase(uint number) {
  if (number == 0u) {
    S[local] = A[index];
    return;
  }
  if (number == 129u) {
    R[index] = S[local];
    return;
  }
  if ((local & 1u) == (number & 1u) && local + 1u < width && S[local] > S[local + 1u]) {
    uint held = S[local];
    S[local] = S[local + 1u];
    S[local + 1u] = held;
  }
}
