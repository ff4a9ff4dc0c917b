// SPDX-License-Identifier: MIT OR Apache-2.0
// Floats taken apart and put together, neighbours compared.
void run() {
  uint bits = (A[index] & 0x007FFFFFu) | (64u + B[index] % 128u) << 23u;
  float a = uintBitsToFloat(bits), b = uintBitsToFloat(bits + 1u);
  uint r = (a < b ? 1u : 0u) + (-a > -b ? 2u : 0u) + (abs(-a) == a ? 4u : 0u);
  float scaled = ldexp(a, int(B[index] % 20u) - 10);
  R[index] = floatBitsToUint(scaled) ^ r;
}
