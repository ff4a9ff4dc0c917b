// SPDX-License-Identifier: MIT OR Apache-2.0
// Bits read by a prefix code.
void run() {
  uint v = A[index], used = 0u, r = 1u;
  while (used < 32u) {
    uint letter = 0u;
    while (letter < 5u && used < 32u && (v >> used & 1u) == 1u) {
      ++letter;
      ++used;
    }
    ++used;
    if (letter == 5u) {
      uint extra = used < 29u ? v >> used & 7u : 0u;
      used += 3u;
      letter += extra;
    }
    r = r * 13u + letter;
  }
  R[index] = r;
}
