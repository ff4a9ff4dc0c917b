// SPDX-License-Identifier: MIT OR Apache-2.0
// Each result goes to another place.
void run() {
  uint block = count / 8u * 8u;
  uint to = index < block ? (index & ~7u) | (index * 5u + 3u & 7u) : index;
  R[to] = A[index] * 3u + B[to];
}
