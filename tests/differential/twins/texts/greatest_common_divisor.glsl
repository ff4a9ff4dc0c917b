// SPDX-License-Identifier: MIT OR Apache-2.0
// By remainders, and by differences of odd parts.
uint by_remainders(uint a, uint b) {
  while (b != 0u) {
    uint rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

uint by_shifts(uint a, uint b) {
  if (a == 0u || b == 0u) return a | b;
  int shift = findLSB(a | b);
  a >>= uint(findLSB(a));
  do {
    b >>= uint(findLSB(b));
    if (a > b) {
      uint other = a;
      a = b;
      b = other;
    }
    b -= a;
  } while (b != 0u);
  return a << uint(shift);
}

void run() {
  uint g = by_remainders(A[index], B[index]);
  R[index] = g == by_shifts(A[index], B[index]) ? g : 0xBADu;
}
