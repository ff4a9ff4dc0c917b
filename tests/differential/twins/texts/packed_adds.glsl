// SPDX-License-Identifier: MIT OR Apache-2.0
// Four sums in one word, without carries between them.
void run() {
  uint a = A[index], b = B[index];
  uint sum = (a & 0x7F7F7F7Fu) + (b & 0x7F7F7F7Fu) ^ (a ^ b) & 0x80808080u;
  uint mean = (a & b) + ((a ^ b) >> 1u & 0x7F7F7F7Fu), slow = 0u;
  for (uint k = 0u; k < 32u; k += 8u) slow |= ((a >> k) + (b >> k) & 255u) << k;
  R[index] = sum == slow ? mean ^ sum : 0xBADu;
}
