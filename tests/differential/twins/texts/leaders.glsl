// SPDX-License-Identifier: MIT OR Apache-2.0
// One invocation works for all, which one changes.
#define PHASES 9u
void phase(uint number) {
  if (number == 0u) {
    S[local] = A[index] % 100u;
    return;
  }
  uint leader = (A[group] + number) % width;
  if ((number & 1u) == 1u) {
    if (local == leader) {
      uint best = 0u;
      for (uint k = 0u; k < width; ++k)
        if (S[k] >= S[best]) best = k;
      S[128u] = best;
      S[129u] = S[best];
    }
  } else {
    if (local == S[128u]) S[local] /= 2u;
    if (local == leader) S[130u] = S[129u] * number;
  }
  if (number == 8u) R[index] = S[local] * 1000u + S[128u];
}
