// glslc: -g --target-env=vulkan1.2
#version 450
// SPDX-License-Identifier: MIT OR Apache-2.0
// Several breaks and continues, returns inside loops, nested loops, do-while.
layout(local_size_x = 32) in;
layout(std430, binding = 0) readonly buffer Input { uint x[]; };
layout(std430, binding = 1) writeonly buffer Output { uint y[]; };
layout(push_constant) uniform Limits { uint count; uint rounds; vec2 unused[2]; };

uint search(uint seed) {
  for (uint i = 0; i < rounds; ++i) {
    if (seed == 0) return i;
    if ((seed & 1) != 0) continue;
    uint j = i;
    do {
      if (j == seed) break;
      if (j > 100) return 7;
      switch (seed % 5) {
        case 0: j += 3; break;
        case 1: j += 1;
        case 2: ++j; continue;
        default: return j;
      }
      ++j;
    } while (j < seed);
    if (j % 3 == 0) break;
    seed = seed * 1664525u + 1013904223u;
  }
  while (true) {
    if (seed < 10) return seed;
    seed /= 3;
  }
}

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= count) return;
  y[i] = search(x[i]);
}
