// SPDX-License-Identifier: MIT OR Apache-2.0
// Do all have the same?
#define PHASES 3u
#define EXCHANGE(v) all_equal(v)
void phase(uint number) {
  if (number == 0u) {
    x = A[group] % 5u + (A[index] % 61u == 0u ? 1u : 0u);
  } else {
    R[index] = number == 1u ? x : R[index] * 2u + x;
    x = group;
  }
}
