// SPDX-License-Identifier: MIT OR Apache-2.0
// By the rule of Horner, coefficients from an array, exact.
void run() {
  float c[5];
  for (uint k = 0u; k < 5u; ++k) c[k] = float(int(A[index] >> (k * 4u) & 15u) - 8);
  float at = float(int(B[index] % 9u) - 4) * 0.5f, r = 0.0f;
  uint degree = B[index] >> 8u;
  for (uint k = 0u; k <= degree % 5u; ++k) r = r * at + c[k];
  R[index] = floatBitsToUint(r);
}
