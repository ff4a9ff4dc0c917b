// SPDX-License-Identifier: MIT OR Apache-2.0
// Down, up, toward zero, to even, and what is left.
void run() {
  float a = float(int(A[index] & 0xFFFFu) - 0x8000) * 0.125f;
  float r = floor(a) * 2.0f + ceil(a) * 4.0f + trunc(a) - roundEven(a) + fract(a) * 8.0f;
  r += mod(a, 4.0f) * 16.0f + sign(a) * 32.0f + step(1.5f, a) * 64.0f;
  R[index] = floatBitsToUint(r);
}
