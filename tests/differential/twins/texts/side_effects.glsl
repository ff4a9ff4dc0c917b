// SPDX-License-Identifier: MIT OR Apache-2.0
// Conditions with effects, of which some are not looked at.
uint calls = 0u;

bool test(uint v, uint mask) {
  calls = calls * 2u + 1u + (v & 1u);
  return (v & mask) != 0u;
}

void run() {
  calls = 0u;
  uint a = A[index], b = B[index];
  bool first = test(a, 1u) && test(b, 2u) || test(a, 4u);
  bool second = (test(b, 8u) || test(a, 16u)) && !test(b, 32u);
  uint chosen = first ? second ? test(a, 64u) ? 1u : 2u : 3u : test(b, 128u) ? 4u : 5u;
  R[index] = calls * 8u + chosen;
}
