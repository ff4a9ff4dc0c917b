// SPDX-License-Identifier: MIT OR Apache-2.0
// Loops whose length the whole workgroup shares.
void run() {
  uint n = A[group] % 9u + 2u, sum = index;
  for (uint k = 0u; k < n; ++k) sum = sum * 3u + A[(group + k) % count] + B[index];
  if ((B[group] & 1u) != 0u) sum ^= 0x5555u;
  R[index] = sum;
}
