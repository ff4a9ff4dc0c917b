// SPDX-License-Identifier: MIT OR Apache-2.0
// Do brackets match? The state of a parser, with an early end.
void run() {
  uint depth = 0u, kinds = 0u, bits = A[index];
  for (uint k = 0u; k < 16u; ++k, bits >>= 2u) {
    if ((bits & 1u) != 0u) {
      kinds = kinds << 1u | (bits >> 1u & 1u);
      ++depth;
    } else {
      if (depth == 0u || (kinds & 1u) != (bits >> 1u & 1u)) {
        R[index] = 1000u + k;
        return;
      }
      kinds >>= 1u;
      --depth;
    }
  }
  R[index] = depth;
}
