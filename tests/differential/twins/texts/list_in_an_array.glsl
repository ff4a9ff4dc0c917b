// SPDX-License-Identifier: MIT OR Apache-2.0
// A list whose links are indices: inserted in order, reversed.
void run() {
  uint next[9], keys[9];
  uint head = 8u;
  next[8] = 8u;
  keys[8] = ~0u;
  for (uint k = 0u; k < 8u; ++k) {
    keys[k] = (A[index] >> (k * 4u) & 15u) * 16u + (B[index] >> (k * 4u) & 15u);
    if (keys[head] >= keys[k]) {
      next[k] = head;
      head = k;
      continue;
    }
    uint at = head;
    while (keys[next[at]] < keys[k]) at = next[at];
    next[k] = next[at];
    next[at] = k;
  }
  uint r = 0u;
  for (uint at = head; at != 8u; at = next[at]) r = r * 13u + keys[at];
  uint back = 8u, at = head;
  while (at != 8u) {
    uint after = next[at];
    next[at] = back;
    back = at;
    at = after;
  }
  R[index] = r ^ keys[back] << 24u;
}
