// SPDX-License-Identifier: MIT OR Apache-2.0
// Atomic operations on a buffer, contended by all invocations.
//   push  u32 n
//   0.0   a: u32[n], read
//   0.1   { u32 sum, min, max; i32 imin, imax; u32 and, or, xor, claims[64], cas }, updated
//   0.2   tickets: u32[n], written: the old values of one counter, in some order
// Launch: n threads.
#version 450
layout(local_size_x = 64) in;

layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) buffer State {
  uint sum, smallest, largest;
  int signed_smallest, signed_largest;
  uint all_bits, any_bits, parity;
  uint claims[64];
  uint squares;
  uint counter;
};
layout(set = 0, binding = 2) writeonly buffer Tickets { uint tickets[]; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  uint x = a[i];
  atomicAdd(sum, x);
  atomicMin(smallest, x);
  atomicMax(largest, x);
  atomicMin(signed_smallest, int(x));
  atomicMax(signed_largest, int(x));
  atomicAnd(all_bits, x | 0x00FF00FFu);
  atomicOr(any_bits, x & 0x0F0F0F0Fu);
  atomicXor(parity, x);
  // The first to claim a slot puts a one there; everybody puts the same.
  if (atomicExchange(claims[x % 64], 1) == 0) atomicAdd(claims[63 - x % 64], 0);
  // An atomic add, built from compare and swap.
  uint seen = squares;
  for (;;) {
    uint before = atomicCompSwap(squares, seen, seen + (x & 7) * (x & 7));
    if (before == seen) break;
    seen = before;
  }
  tickets[i] = atomicAdd(counter, 1);
}
