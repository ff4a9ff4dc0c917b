// SPDX-License-Identifier: MIT OR Apache-2.0
// Stores that leave what lies between them alone: steps of two to five, some or all lanes, up to
// and beyond the end; parts of structures.
#version 450
layout(local_size_x = 64) in;
layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer In { uint data[]; };
layout(set = 0, binding = 1) buffer Out { uint result[]; };
struct Three { uint x, y, z; };
layout(set = 0, binding = 1) buffer Threes { Three threes[]; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  uint mine = data[i];
  if (n % 5u == 0u) {
    result[2 * i] = mine;
    if ((mine & 1u) == 0u) result[2 * i + 1] = mine + 1u;
  } else if (n % 5u == 1u) {
    threes[i].x = mine;
    threes[i].z = mine * 2u;
  } else if (n % 5u == 2u) {
    if (i < n / 4u) result[4 * i + 3] = mine;
  } else {
    result[5 * i] = mine;
    if (i + 1u < n) result[i * 2u + 2u] = mine;
  }
}
