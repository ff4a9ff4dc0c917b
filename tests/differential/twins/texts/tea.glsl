// SPDX-License-Identifier: MIT OR Apache-2.0
// The Tiny Encryption Algorithm, there and back.
void run() {
  uint a = A[index], b = B[index], sum = 0u;
  for (int k = 0; k < 32; ++k) {
    sum += 0x9E3779B9u;
    a += ((b << 4u) + 1u) ^ (b + sum) ^ ((b >> 5u) + 2u);
    b += ((a << 4u) + 3u) ^ (a + sum) ^ ((a >> 5u) + 4u);
  }
  uint coded = a ^ b;
  for (int k = 31; k >= 0; --k) {
    b -= ((a << 4u) + 3u) ^ (a + sum) ^ ((a >> 5u) + 4u);
    a -= ((b << 4u) + 1u) ^ (b + sum) ^ ((b >> 5u) + 2u);
    sum -= 0x9E3779B9u;
  }
  R[index] = a == A[index] && b == B[index] ? coded : 0xBADu;
}
