// SPDX-License-Identifier: MIT OR Apache-2.0
// A circle in fixed point, turned by shifts.
void run() {
  int a = int(A[index] & 0xFFFFu) - 0x8000, b = int(B[index] & 0xFFFFu) - 0x8000;
  for (int k = 0; k < 12; ++k) {
    int na = b < 0 ? a - (b >> k) : a + (b >> k);
    int nb = b < 0 ? b + (a >> k) : b - (a >> k);
    a = clamp(na, -0x40000, 0x40000);
    b = clamp(nb, -0x40000, 0x40000);
  }
  R[index] = uint(a) * 65599u + uint(b);
}
