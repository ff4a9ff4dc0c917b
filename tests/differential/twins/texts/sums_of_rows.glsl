// SPDX-License-Identifier: MIT OR Apache-2.0
// As many neighbours as each invocation wants, gathered.
void run() {
  uint n = A[index] % 23u, at = B[index] % count, sum = 0u;
  for (uint k = 0u; k < n; ++k) {
    sum += A[at] ^ k;
    at = at + 3u < count ? at + 3u : (at + 3u) - count;
  }
  R[index] = sum;
}
