// SPDX-License-Identifier: MIT OR Apache-2.0
// Rounds until a point escapes, in quarters that do not round for as long as they are looked at.
float quarters(uint v) { return float(int(v & 63u) - 32) * 0.25f; }

void run() {
  float cx = quarters(A[index]), cy = quarters(B[index]), zx = 0.0f, zy = 0.0f;
  uint k = 0u;
  for (; k < 3u; ++k) {
    float next = zx * zx - zy * zy + cx;
    zy = 2.0f * zx * zy + cy;
    zx = next;
    if (zx * zx + zy * zy > 4.0f) break;
  }
  R[index] = k * 16u + (zx < 0.0f ? 1u : 0u) + (zy < 0.0f ? 2u : 0u);
}
