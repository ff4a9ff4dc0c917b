// SPDX-License-Identifier: MIT OR Apache-2.0
// Quotients and remainders by numbers that a compiler knows.
void run() {
  uint a = A[index];
  uint r = a / 3u * 1u + a / 7u * 5u + a % 10u * 11u + a / 641u + a % 1000000007u + a / 65537u;
  int s = int(a >> 1u) - 0x20000000;
  r ^= uint(s / 3) + uint(s / -7) * 3u + uint(s / 16) + uint(s / 1000);
  R[index] = r;
}
