// SPDX-License-Identifier: MIT OR Apache-2.0
// Sums and differences of 96 bits by carries and borrows.
void run() {
  uint carry = 0u, more = 0u, borrow = 0u, high = 0u, low = 0u;
  uint first = uaddCarry(A[index], B[index], carry);
  uint second = uaddCarry(B[index], carry, more);
  uint third = usubBorrow(A[index], second, borrow);
  umulExtended(first, third, high, low);
  R[index] = first + second * 3u + third * 5u + carry * 7u + more * 11u + borrow * 13u + high + low;
}
