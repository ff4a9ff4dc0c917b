// SPDX-License-Identifier: MIT OR Apache-2.0
// Limits, steps and blends of floats that are exact.
float quarters(uint v) { return float(int(v & 63u) - 32) * 0.25f; }

void run() {
  float a = quarters(A[index]), b = quarters(B[index]), t = float(A[index] >> 8u & 7u) * 0.125f;
  float r = mix(a, b, t) + clamp(a, -2.0f, 3.0f) * 8.0f + min(a, b) * max(a, b);
  if (a != b) r += step(a, b) + (a < b ? 0.5f : 0.25f);
  R[index] = floatBitsToUint(r);
}
