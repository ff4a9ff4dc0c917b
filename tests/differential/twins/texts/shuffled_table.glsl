// SPDX-License-Identifier: MIT OR Apache-2.0
// RC4: a table of bytes that is swapped at places that differ.
uint table[64];

void run() {
  for (uint k = 0u; k < 64u; ++k) table[k] = k;
  uint at = 0u;
  for (uint k = 0u; k < 64u; ++k) {
    at = (at + table[k] + (A[index] >> (k % 4u * 8u))) % 64u;
    uint held = table[k];
    table[k] = table[at];
    table[at] = held;
  }
  uint r = 0u, i = 0u, j = 0u;
  for (uint k = 0u; k < 10u; ++k) {
    i = (i + 1u) % 64u;
    j = (j + table[i]) % 64u;
    uint held = table[i];
    table[i] = table[j];
    table[j] = held;
    r = r * 7u + table[(table[i] + table[j]) % 64u];
  }
  R[index] = r;
}
