// SPDX-License-Identifier: MIT OR Apache-2.0
// Vectors of three, dotted, crossed and chosen from.
float quarters(uint v) { return float(int(v & 63u) - 32) * 0.25f; }

void run() {
  vec3 a = vec3(quarters(A[index]), quarters(A[index] >> 6u), quarters(A[index] >> 12u));
  vec3 b = vec3(quarters(B[index]), quarters(B[index] >> 6u), quarters(B[index] >> 12u));
  vec3 c = cross(a, b), low = min(a, b), high = max(a, b);
  float r = dot(c, a) + dot(c, c) + dot(low, high) - dot(a, b);
  r += c[A[index] % 3u] * 4.0f + abs(b)[B[index] % 3u];
  R[index] = floatBitsToUint(r);
}
