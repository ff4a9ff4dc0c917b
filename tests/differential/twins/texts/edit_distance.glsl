// SPDX-License-Identifier: MIT OR Apache-2.0
// Between two words of eight letters.
void run() {
  uint row[9];
  for (uint k = 0u; k < 9u; ++k) row[k] = k;
  for (uint i = 1u; i < 9u; ++i) {
    uint diagonal = row[0];
    row[0] = i;
    for (uint k = 1u; k < 9u; ++k) {
      uint held = row[k];
      bool same = (A[index] >> (4u * (i - 1u)) & 3u) == (B[index] >> (4u * (k - 1u)) & 3u);
      row[k] = same ? diagonal : 1u + min(diagonal, min(row[k], row[k - 1u]));
      diagonal = held;
    }
  }
  R[index] = row[8] << 16u | row[4];
}
