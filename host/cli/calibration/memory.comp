// SPDX-License-Identifier: MIT OR Apache-2.0
// Reads each element once and writes it once.
#version 450
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) buffer Out { float y[]; };
layout(set = 0, binding = 1) readonly buffer In { float x[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  y[i] = x[i];
}
