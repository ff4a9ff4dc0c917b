// SPDX-License-Identifier: MIT OR Apache-2.0
// Private arrays that live across barriers.
#define PHASES 5u
uint own[6];
void phase(uint number) {
  if (number == 0u) {
    for (uint k = 0u; k < 6u; ++k) own[k] = A[index] >> (k * 5u) & 31u;
    S[local] = own[B[index] % 6u];
    return;
  }
  uint place = own[number] % 6u;
  own[place] += S[(local + number) % width];
  S[128u + local] = own[5u - place];
  if (number == 4u) {
    uint r = 0u;
    for (uint k = 0u; k < 6u; ++k) r = r * 37u + own[k];
    R[index] = r;
  }
}
