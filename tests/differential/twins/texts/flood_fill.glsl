// SPDX-License-Identifier: MIT OR Apache-2.0
// A small field of bits, filled from a corner.
void run() {
  uint walls = A[index] & 0xFFFEu, reached = 1u, before = 0u, rounds = 0u;
  while (reached != before) {
    before = reached;
    uint sides = (reached << 1u & 0xEEEEu) | (reached >> 1u & 0x7777u);
    reached = (reached | sides | reached << 4u | reached >> 4u) & 0xFFFFu & ~walls;
    ++rounds;
  }
  R[index] = rounds << 16u | reached;
}
