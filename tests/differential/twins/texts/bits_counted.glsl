// SPDX-License-Identifier: MIT OR Apache-2.0
// Bits counted, found and reversed, by hand and by instruction.
uint counted(uint v) {
  uint n = 0u;
  for (; v != 0u; v &= v - 1u) ++n;
  return n;
}

uint reversed(uint v) {
  v = (v >> 1u & 0x55555555u) | (v & 0x55555555u) << 1u;
  v = (v >> 2u & 0x33333333u) | (v & 0x33333333u) << 2u;
  v = (v >> 4u & 0x0F0F0F0Fu) | (v & 0x0F0F0F0Fu) << 4u;
  v = (v >> 8u & 0x00FF00FFu) | (v & 0x00FF00FFu) << 8u;
  return v >> 16u | v << 16u;
}

void run() {
  uint a = A[index];
  bool same = counted(a) == uint(bitCount(a)) && reversed(a) == bitfieldReverse(a);
  R[index] = same ? counted(a) + uint(findLSB(a) + 1) * 64u + uint(findMSB(a) + 1) * 4096u : 0xBADu;
}
