// SPDX-License-Identifier: MIT OR Apache-2.0
// Random numbers of three kinds, as many as each invocation wants.
void run() {
  uint lfsr = A[index] | 1u, shifted = B[index] | 1u, congruent = A[index] ^ B[index];
  uint n = A[index] % 17u, r = 0u;
  for (uint k = 0u; k < n; ++k) {
    lfsr = lfsr >> 1u ^ (0u - (lfsr & 1u) & 0xD0000001u);
    shifted ^= shifted << 13u;
    shifted ^= shifted >> 17u;
    shifted ^= shifted << 5u;
    congruent = congruent * 747796405u + 2891336453u;
    r += lfsr ^ shifted ^ (congruent >> (congruent >> 28u));
  }
  R[index] = r;
}
