// SPDX-License-Identifier: MIT OR Apache-2.0
// Runs of bits, the longest and how many.
void run() {
  uint v = A[index], runs = 0u, longest = 0u, length = 0u, last = 2u;
  for (int k = 31; k >= 0; --k) {
    uint bit = v >> k & 1u;
    if (bit == last) {
      ++length;
    } else {
      ++runs;
      length = 1u;
      last = bit;
    }
    longest = max(longest, length);
  }
  R[index] = runs * 64u + longest;
}
