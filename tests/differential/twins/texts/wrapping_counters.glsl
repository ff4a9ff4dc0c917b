// SPDX-License-Identifier: MIT OR Apache-2.0
// Loops whose counters wrap around, or run down.
void run() {
  uint sum = 0u;
  for (uint k = 0xFFFFFFF0u + A[index] % 8u; k != 5u; ++k) sum = sum * 3u + k;
  for (uint k = B[index] % 9u; k-- > 0u;) sum ^= k << k;
  for (int k = 20; k > int(A[index] % 20u); k -= 3) sum += uint(k);
  for (uint k = 1u; k != 0u; k <<= 3u) sum += k ^ A[index];
  R[index] = sum;
}
