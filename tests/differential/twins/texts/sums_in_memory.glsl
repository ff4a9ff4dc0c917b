// SPDX-License-Identifier: MIT OR Apache-2.0
// Atomic sums, bits and maxima in a buffer.
void run() {
  atomicAdd(R[A[index] % 5u % count], B[index]);
  if (count > 15u) {
    atomicXor(R[count - 1u], A[index]);
    atomicMax(R[count - 2u], A[index] ^ B[index]);
    atomicOr(R[count - 3u], 1u << (A[index] & 31u));
  }
}
