// SPDX-License-Identifier: MIT OR Apache-2.0
// Quarter rounds on an array that stays in registers.
uint v[16];

void quarter(uint a, uint b, uint c, uint d) {
  v[a] += v[b];
  v[d] = (v[d] ^ v[a]) << 16u | (v[d] ^ v[a]) >> 16u;
  v[c] += v[d];
  v[b] = (v[b] ^ v[c]) << 12u | (v[b] ^ v[c]) >> 20u;
  v[a] += v[b];
  v[d] = (v[d] ^ v[a]) << 8u | (v[d] ^ v[a]) >> 24u;
  v[c] += v[d];
  v[b] = (v[b] ^ v[c]) << 7u | (v[b] ^ v[c]) >> 25u;
}

void run() {
  for (uint k = 0u; k < 16u; ++k) v[k] = A[index] * (k + 1u) + B[index];
  for (uint k = 0u; k < 4u; ++k) {
    for (uint c = 0u; c < 4u; ++c) quarter(c, c + 4u, c + 8u, c + 12u);
    for (uint c = 0u; c < 4u; ++c)
      quarter(c, (c + 1u) % 4u + 4u, (c + 2u) % 4u + 8u, (c + 3u) % 4u + 12u);
  }
  uint r = 0u;
  for (uint k = 0u; k < 16u; ++k) r = r * 31u + v[k];
  R[index] = r;
}
