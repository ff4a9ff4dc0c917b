// SPDX-License-Identifier: MIT OR Apache-2.0
// How many bytes a letter takes, and which.
void run() {
  uint v = A[index] % 0x110000u;
  if (v < 0x80u) {
    R[index] = v;
    return;
  }
  if (v < 0x800u) {
    R[index] = 0xC080u | (v & 0x7C0u) << 2u | (v & 63u);
    return;
  }
  uint tail = (v & 63u) | (v & 0xFC0u) << 2u;
  R[index] = v < 0x10000u ? 0xE08080u | v >> 12u << 16u | tail
                          : 0xF0808080u | v >> 18u << 24u | (v >> 12u & 63u) << 16u | tail;
}
