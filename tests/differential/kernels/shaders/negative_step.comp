#version 450
// SPDX-License-Identifier: MIT OR Apache-2.0
// Addresses that run backwards, with a negative offset in between.
layout(local_size_x = 64) in;
layout(std430, binding = 0) readonly buffer In { uint data[]; };
layout(std430, binding = 1) buffer Out { uint result[]; };
layout(push_constant) uniform Push { int offset; };
void main() {
  int i = int(gl_GlobalInvocationID.x);
  int n = int(data.length());
  result[n - 1 - i] = data[n - 1 - i] + data[(i + offset) - offset] * 3u;
}
