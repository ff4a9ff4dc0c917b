#version 450
// SPDX-License-Identifier: MIT OR Apache-2.0
// in[] through indices far outside of it, negative ones too.
layout(local_size_x = 17) in;
layout(std430, binding = 0) readonly buffer In { uint data[]; };
layout(std430, binding = 1) readonly buffer Index { int at[]; };
layout(std430, binding = 2) buffer Out { uint result[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i < at.length()) result[i] = data[at[i]];
}
