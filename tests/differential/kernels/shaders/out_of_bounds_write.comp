#version 450
// SPDX-License-Identifier: MIT OR Apache-2.0
layout(local_size_x = 12) in;
layout(std430, binding = 0) readonly buffer Index { int at[]; };
layout(std430, binding = 1) buffer Out { uint result[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i < at.length()) result[at[i]] = i + 1;
}
