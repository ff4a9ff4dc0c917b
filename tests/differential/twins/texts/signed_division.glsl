// SPDX-License-Identifier: MIT OR Apache-2.0
// By a number that each invocation has for itself.
void run() {
  int a = int(A[index] % 20001u) - 10000, b = int(B[index] % 201u) - 100;
  if (b == 0) b = 101;
  int q = a / b;
  R[index] = uint(q * 1000 + (a - q * b));
}
