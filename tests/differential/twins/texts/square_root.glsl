// SPDX-License-Identifier: MIT OR Apache-2.0
// Of whole numbers, bit by bit; and cubes by bisection.
uint square_root(uint n) {
  uint r = 0u;
  for (uint bit = 1u << 30u; bit != 0u; bit >>= 2u) {
    if (n >= r + bit) {
      n -= r + bit;
      r = (r >> 1u) + bit;
    } else {
      r >>= 1u;
    }
  }
  return r;
}

void run() {
  uint low = 0u, high = 1625u;
  while (low < high) {
    uint middle = (low + high + 1u) / 2u;
    if (middle * middle * middle <= B[index])
      low = middle;
    else
      high = middle - 1u;
  }
  R[index] = square_root(A[index]) << 12u | low;
}
