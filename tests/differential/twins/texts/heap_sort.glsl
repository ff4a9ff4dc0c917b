// SPDX-License-Identifier: MIT OR Apache-2.0
// A private heap.
uint heap[16];

void sink(uint at, uint size) {
  for (;;) {
    uint child = 2u * at + 1u;
    if (child >= size) return;
    if (child + 1u < size && heap[child + 1u] > heap[child]) ++child;
    if (heap[at] >= heap[child]) return;
    uint held = heap[at];
    heap[at] = heap[child];
    heap[child] = held;
    at = child;
  }
}

void run() {
  uint size = 3u + B[index] % 14u;
  for (uint k = 0u; k < 16u; ++k) heap[k] = A[(index + k * 5u) % count] % 1000u;
  for (uint k = size / 2u; k-- > 0u;) sink(k, size);
  for (uint k = size - 1u; k > 0u; --k) {
    uint held = heap[0];
    heap[0] = heap[k];
    heap[k] = held;
    sink(0u, k);
  }
  uint r = size;
  for (uint k = 0u; k < size; ++k) r = r * 1009u + heap[k];
  R[index] = r;
}
