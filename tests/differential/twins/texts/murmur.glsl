// SPDX-License-Identifier: MIT OR Apache-2.0
// The hash of as many words as each invocation wants.
uint turn(uint v, uint by) { return v << by | v >> (32u - by); }

void run() {
  uint h = 42u, n = 1u + (B[index] & 7u);
  for (uint k = 0u; k < n; ++k) {
    uint w = A[(index + k) % count] * 0xCC9E2D51u;
    h ^= turn(w, 15u) * 0x1B873593u;
    h = turn(h, 13u) * 5u + 0xE6546B64u;
  }
  h ^= n * 4u;
  h ^= h >> 16u;
  h *= 0x85EBCA6Bu;
  h ^= h >> 13u;
  h *= 0xC2B2AE35u;
  R[index] = h ^ h >> 16u;
}
