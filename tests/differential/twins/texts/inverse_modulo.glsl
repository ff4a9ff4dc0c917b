// SPDX-License-Identifier: MIT OR Apache-2.0
// The extended algorithm of Euclid, with signed numbers.
int inverse(int a, int m) {
  int old_r = a, r = m, old_s = 1, s = 0;
  while (r != 0) {
    int q = old_r / r, next = old_r - q * r;
    old_r = r;
    r = next;
    next = old_s - q * s;
    old_s = s;
    s = next;
  }
  if (old_r != 1) return -old_r;
  return old_s < 0 ? old_s + m : old_s;
}

void run() { R[index] = uint(inverse(int(A[index] % 5040u) + 1, int(B[index] % 997u) + 2)); }
