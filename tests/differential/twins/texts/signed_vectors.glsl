// SPDX-License-Identifier: MIT OR Apache-2.0
// Vectors of signed numbers, by a component that is chosen.
void run() {
  ivec4 a = ivec4(int(A[index] & 255u) - 128, int(A[index] >> 8u & 255u) - 128,
                  int(B[index] & 255u) - 128, int(B[index] >> 8u & 255u) - 128);
  ivec4 sum = ivec4(0);
  for (int k = 0; k < 4; ++k) {
    sum += a * (k + 1);
    a[k] = -a[(k + int(A[index] & 3u)) & 3];
    sum[int(B[index] & 3u)] -= a[k] / 3;
  }
  sum = abs(sum);
  R[index] = uint(sum.x + sum.y * 3 + sum.z * 5 + sum.w * 7);
}
