// SPDX-License-Identifier: MIT OR Apache-2.0
// Doubles that hold whole numbers beyond 32 bits.
void run() {
  double a = double(A[index]), b = double(B[index] & 0xFFFu);
  double sum = a * b + double(1), halves = a * double(0.5f) - b;
  if (halves < double(0)) sum = sum - halves;
  for (uint k = 0u; k < A[index] % 5u; ++k) sum = sum * double(0.5f) + double(16);
  R[index] = uint(min(floor(sum * double(0.0009765625f)), double(4294967040.0f)));
}
