// SPDX-License-Identifier: MIT OR Apache-2.0
// The game of life in shared memory, on a torus of one row per workgroup.
#define PHASES 9u
uint row_at(uint from, uint k) { return S[from + k % width]; }

void phase(uint number) {
  if (number == 0u) {
    S[local] = A[index] & 1u;
    return;
  }
  uint from = (number & 1u) == 1u ? 0u : 128u;
  uint near = row_at(from, local + width - 1u) + row_at(from, local + width - 2u) +
              row_at(from, local + 1u) + row_at(from, local + 2u);
  uint next = S[from + local] == 1u ? (near == 2u || near == 4u ? 1u : 0u)
                                    : (near == 2u || near == 3u ? 1u : 0u);
  S[128u - from + local] = next;
  if (number == 8u) R[index] = next * 2u + S[from + local];
}
