// SPDX-License-Identifier: MIT OR Apache-2.0
// A product of a row and a column, tile by tile.
#define PHASES 8u
uint sum = 0u;
void phase(uint number) {
  if ((number & 1u) == 0u) {
    S[local] = A[group * width + (local + number) % width];
    S[128u + local] = B[group * width + local] + number;
    return;
  }
  for (uint k = 0u; k < 7u && k < width; ++k)
    sum += S[k] * S[128u + (local + k) % width];
  if (number == 7u) R[index] = sum;
}
