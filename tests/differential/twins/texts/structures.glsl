// SPDX-License-Identifier: MIT OR Apache-2.0
// Structures in arrays in structures, copied whole.
struct Item {
  uint key;
  uint parts[3];
};
struct Box {
  Item items[4];
  uint used;
};

Box swapped(Box box, uint i, uint k) {
  Item held = box.items[i];
  box.items[i] = box.items[k];
  box.items[k] = held;
  box.used += 1u;
  return box;
}

void run() {
  Box box;
  box.used = 0u;
  for (uint k = 0u; k < 4u; ++k) {
    box.items[k].key = A[index] >> (k * 8u) & 255u;
    for (uint p = 0u; p < 3u; ++p) box.items[k].parts[p] = B[index] + k * 3u + p;
  }
  for (uint i = 0u; i < 3u; ++i)
    for (uint k = 0u; k < 3u - i; ++k)
      if (box.items[k].key > box.items[k + 1u].key) box = swapped(box, k, k + 1u);
  uint r = box.used;
  for (uint k = 0u; k < 4u; ++k)
    r = r * 31u + box.items[k].key * 7u + box.items[k].parts[box.items[k].key % 3u];
  R[index] = r;
}
