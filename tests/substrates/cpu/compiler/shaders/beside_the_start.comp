#version 450
// SPDX-License-Identifier: MIT OR Apache-2.0
// Elements side by side, the first of which may lie before the buffer begins, and the last behind its end.
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer In { uint data[]; } src;
layout(binding = 1) buffer Out { uint data[]; } dst;
layout(binding = 2) readonly buffer Table { uint data[]; } table;
layout(binding = 3) writeonly buffer More { uint data[]; } more;

void main() {
  uint id = gl_GlobalInvocationID.x;
  uint b = src.data[id] * 4u;
  dst.data[id] = table.data[b - 1u] + 16u * table.data[b] + 256u * table.data[b + 1u];
  more.data[b - 1u] = id + 1u;
  more.data[b] = id + 1000u;
  more.data[b + 1u] = id + 2000u;
}
