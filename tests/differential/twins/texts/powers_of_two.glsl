// SPDX-License-Identifier: MIT OR Apache-2.0
// Rounded up and down, aligned, and logarithms.
void run() {
  uint a = A[index] >> (B[index] & 31u), up = a == 0u ? 0u : a - 1u;
  for (uint by = 1u; by < 32u; by *= 2u) up |= up >> by;
  up += 1u;
  uint down = a == 0u ? 0u : 1u << uint(findMSB(a)), tens = 0u;
  for (uint p = 10u; p <= a && p != 0u; p = p > 400000000u ? 0u : p * 10u) ++tens;
  uint aligned = (a & 0xFFFFFFu) + 15u & ~15u;
  R[index] = up ^ down * 3u ^ tens << 27u ^ aligned;
}
