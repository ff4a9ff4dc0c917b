// SPDX-License-Identifier: MIT OR Apache-2.0
// The algorithm of Heap, without recursion.
void run() {
  uint v[5], c[5];
  for (uint k = 0u; k < 5u; ++k) {
    v[k] = A[index] >> (k * 3u) & 7u;
    c[k] = 0u;
  }
  uint r = 0u, k = 0u;
  while (k < 5u) {
    if (c[k] < k) {
      uint other = k % 2u == 0u ? 0u : c[k];
      uint held = v[other];
      v[other] = v[k];
      v[k] = held;
      r = r * 3u + v[0] * v[4] + v[2];
      c[k] += 1u;
      k = 0u;
    } else {
      c[k] = 0u;
      ++k;
    }
  }
  R[index] = r;
}
