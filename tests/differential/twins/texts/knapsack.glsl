// SPDX-License-Identifier: MIT OR Apache-2.0
// What fits into a bag, by a table that is walked backwards.
void run() {
  uint best[33];
  for (int k = 0; k < 33; ++k) best[k] = 0u;
  for (uint item = 0u; item < 8u; ++item) {
    uint weight = 1u + (A[index] >> (item * 4u) & 7u), value = B[index] >> (item * 4u) & 15u;
    for (uint room = 32u; room >= weight; --room)
      best[room] = max(best[room], best[room - weight] + value);
  }
  R[index] = best[32] * 256u + best[10];
}
