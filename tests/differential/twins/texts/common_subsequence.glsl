// SPDX-License-Identifier: MIT OR Apache-2.0
// A table of two dimensions.
uint table[9][9];

void run() {
  for (uint i = 0u; i < 9u; ++i)
    for (uint k = 0u; k < 9u; ++k) {
      if (i == 0u || k == 0u)
        table[i][k] = 0u;
      else if ((A[index] >> (i * 3u) & 3u) == (B[index] >> (k * 3u) & 3u))
        table[i][k] = table[i - 1u][k - 1u] + 1u;
      else
        table[i][k] = max(table[i - 1u][k], table[i][k - 1u]);
    }
  R[index] = table[8][8] * 16u + table[5][7];
}
