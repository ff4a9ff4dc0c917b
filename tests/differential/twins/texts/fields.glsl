// SPDX-License-Identifier: MIT OR Apache-2.0
// Fields of bits taken out, with their sign, and put in.
void run() {
  uint a = A[index], b = B[index];
  int offset = int(b & 31u), bits = int(b >> 5u & 31u);
  if (offset + bits > 32) bits = 32 - offset;
  uint taken = bitfieldExtract(a, offset, bits);
  int with_sign = bitfieldExtract(int(a), offset, bits);
  R[index] = taken * 3u + uint(with_sign) * 5u + bitfieldInsert(b, a, offset, bits) * 7u;
}
