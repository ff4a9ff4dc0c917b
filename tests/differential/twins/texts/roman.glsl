// SPDX-License-Identifier: MIT OR Apache-2.0
// Numbers in Roman digits, seven of them, as a hash.
void run() {
  const uint values[13] = {1000u, 900u, 500u, 400u, 100u, 90u, 50u, 40u, 10u, 9u, 5u, 4u, 1u};
  uint n = A[index] % 4000u, r = 5381u;
  for (int k = 0; k < 13; ++k)
    while (n >= values[k]) {
      n -= values[k];
      r = r * 33u + uint(k);
    }
  R[index] = r;
}
