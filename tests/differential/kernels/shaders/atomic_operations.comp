#version 450
// SPDX-License-Identifier: MIT OR Apache-2.0
layout(local_size_x = 7) in;
layout(std430, binding = 0) buffer Cells { uint cell[12]; int signed_cell[2]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  atomicAdd(cell[0], i);
  atomicMin(cell[1], 1000u - i);
  atomicMax(cell[2], i * 3u);
  atomicAnd(cell[3], ~(1u << (i & 31u)));
  atomicOr(cell[4], 1u << (i & 31u));
  atomicXor(cell[5], i * 0x9E3779B9u);
  atomicExchange(cell[6], 77u);
  atomicCompSwap(cell[7], i, i + 1u);
  for (bool tried = false; !tried;) {
    uint seen = cell[8];
    tried = atomicCompSwap(cell[8], seen, seen + 2u) == seen;
  }
  atomicMin(signed_cell[0], int(i) - 50);
  atomicMax(signed_cell[1], 50 - int(i));
}
