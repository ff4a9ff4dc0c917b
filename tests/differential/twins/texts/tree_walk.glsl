// SPDX-License-Identifier: MIT OR Apache-2.0
// An implied tree, walked without a stack.
void run() {
  uint at = 1u, sum = 0u, pruned = A[index];
  bool down = true;
  for (uint k = 0u; k < 200u; ++k) {
    if (down) {
      sum = sum * 5u + at;
      if (at < 16u && (pruned >> at & 1u) == 0u) {
        at *= 2u;
        continue;
      }
      down = false;
    }
    if (at == 1u) break;
    if ((at & 1u) == 0u) {
      ++at;
      down = true;
    } else {
      at /= 2u;
    }
  }
  R[index] = sum;
}
