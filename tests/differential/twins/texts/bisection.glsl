// SPDX-License-Identifier: MIT OR Apache-2.0
// Where a value lies among others that are sorted.
uint sorted_at(uint k) { return k * k + k * 3u + (k & 1u); }

void run() {
  uint wanted = A[index] % 5000u, low = 0u, high = 64u, rounds = 0u;
  while (low < high) {
    uint middle = low + (high - low) / 2u;
    uint there = sorted_at(middle);
    ++rounds;
    if (there == wanted) {
      low = middle;
      break;
    }
    if (there < wanted)
      low = middle + 1u;
    else
      high = middle;
  }
  R[index] = low * 16u + rounds;
}
