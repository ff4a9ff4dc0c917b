// SPDX-License-Identifier: MIT OR Apache-2.0
// Products of matrices of three rows, held in arrays.
void run() {
  int m[9], r[9], next[9];
  for (int k = 0; k < 9; ++k) {
    m[k] = int(A[index] >> uint(k * 3) & 7u) - 3;
    r[k] = k % 4 == 0 ? 1 : 0;
  }
  uint power = B[index] % 5u;
  for (uint n = 0u; n < power; ++n) {
    for (int i = 0; i < 3; ++i)
      for (int k = 0; k < 3; ++k) {
        next[i * 3 + k] = 0;
        for (int j = 0; j < 3; ++j) next[i * 3 + k] += r[i * 3 + j] * m[j * 3 + k];
      }
    for (int k = 0; k < 9; ++k) r[k] = next[k];
  }
  int determinant = m[0] * (m[4] * m[8] - m[5] * m[7]) - m[1] * (m[3] * m[8] - m[5] * m[6]) +
                    m[2] * (m[3] * m[7] - m[4] * m[6]);
  uint h = uint(determinant);
  for (int k = 0; k < 9; ++k) h = h * 31u + uint(r[k]);
  R[index] = h;
}
