// SPDX-License-Identifier: MIT OR Apache-2.0
// The cells of a line between two points, in whole numbers.
void run() {
  int x0 = int(A[index] & 31u), y0 = int(A[index] >> 5u & 31u);
  int x1 = int(B[index] & 31u), y1 = int(B[index] >> 5u & 31u);
  int dx = abs(x1 - x0), dy = -abs(y1 - y0), sx = x0 < x1 ? 1 : -1, sy = y0 < y1 ? 1 : -1;
  int error = dx + dy;
  uint r = 0u;
  for (;;) {
    r = r * 37u + uint(y0 * 32 + x0);
    if (x0 == x1 && y0 == y1) break;
    int twice = 2 * error;
    if (twice >= dy) {
      error += dy;
      x0 += sx;
    }
    if (twice <= dx) {
      error += dx;
      y0 += sy;
    }
  }
  R[index] = r;
}
