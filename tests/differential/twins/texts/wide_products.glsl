// SPDX-License-Identifier: MIT OR Apache-2.0
// Products of 64 bits, signed and unsigned, and their quotients.
void run() {
  uint64_t p = uint64_t(A[index]) * uint64_t(B[index]);
  int64_t q = int64_t(int(A[index] >> 1u) - 0x3FFFFFFF) * int64_t(int(B[index] >> 1u) - 12345);
  uint64_t d = p / (uint64_t(B[index]) + 1ul), m = p % 1000000000039ul;
  int64_t s = q / int64_t(1000003) + (q >> 7);
  R[index] = uint(p >> 32) ^ uint(d) ^ uint(m >> 8) ^ uint(uint64_t(s) >> 3) ^
             (q < int64_t(0) ? 0x55555555u : 0u);
}
