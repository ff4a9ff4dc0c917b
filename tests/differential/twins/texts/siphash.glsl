// SPDX-License-Identifier: MIT OR Apache-2.0
// Rounds of 64-bit sums, rotations and differences.
uint64_t v0, v1, v2, v3;

uint64_t turn(uint64_t v, int by) { return v << by | v >> (64 - by); }

void mixed() {
  v0 += v1;
  v1 = turn(v1, 13) ^ v0;
  v0 = turn(v0, 32);
  v2 += v3;
  v3 = turn(v3, 16) ^ v2;
  v0 += v3;
  v3 = turn(v3, 21) ^ v0;
  v2 += v1;
  v1 = turn(v1, 17) ^ v2;
  v2 = turn(v2, 32);
}

void run() {
  uint64_t word = uint64_t(A[index]) << 32 | uint64_t(B[index]);
  v0 = 0x736F6D6570736575ul;
  v1 = 0x646F72616E646F6Dul;
  v2 = 0x6C7967656E657261ul;
  v3 = 0x7465646279746573ul ^ word;
  mixed();
  mixed();
  v0 ^= word;
  v2 ^= 0xFFul;
  for (int k = 0; k < 4; ++k) mixed();
  uint64_t r = v0 ^ v1 ^ v2 ^ v3;
  R[index] = uint(r) ^ uint(r >> 32);
}
