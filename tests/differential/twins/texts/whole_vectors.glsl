// SPDX-License-Identifier: MIT OR Apache-2.0
// Vectors of whole numbers: shifts, masks, comparisons.
void run() {
  uvec4 a = uvec4(A[index], B[index], A[index] ^ B[index], A[index] + B[index]);
  uvec4 r = uvec4(1u, 2u, 3u, 4u);
  for (uint k = 0u; k < 4u; ++k) {
    r = (r ^ (a >> uvec4(k, k + 1u, k + 2u, k + 3u))) * 5u + (a & uvec4(0xFF00FFu));
    if (any(lessThan(r, a))) r += uvec4(7u);
    if (all(equal(r & uvec4(1u), a & uvec4(1u)))) r[k] = 0u;
    r = max(r, uvec4(k));
  }
  R[index] = r.x ^ r.y * 3u ^ r.z * 5u ^ r.w * 7u;
}
