// SPDX-License-Identifier: MIT OR Apache-2.0
// Words that travel round the workgroup, a step in each phase.
#define PHASES 12u
uint carried;
void phase(uint number) {
  if (number == 0u) carried = A[index];
  if ((number & 1u) == 0u) {
    S[local] = carried * 3u + number;
    return;
  }
  carried = S[(local + 1u) % width] ^ B[index];
  if (number == 11u) R[index] = carried;
}
