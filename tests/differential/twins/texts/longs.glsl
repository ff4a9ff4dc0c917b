// SPDX-License-Identifier: MIT OR Apache-2.0
// Numbers of 64 bits in loops, shifts and choices.
void run() {
  uint64_t a = uint64_t(A[index]) << 32 | uint64_t(B[index]), r = 0ul;
  uint steps = B[index] % 13u;
  for (uint k = 0u; k < steps; ++k) {
    a ^= a >> 12;
    a ^= a << 25;
    a ^= a >> 27;
    int64_t s = int64_t(a >> 1) - int64_t(0x3FFFFFFFFFFFFFFFul);
    r += s < int64_t(0) ? a >> (k & 63u) : a << (k & 7u);
    if (r > 0xF000000000000000ul) r = r / 3ul;
  }
  R[index] = uint(r >> 32) ^ uint(r);
}
