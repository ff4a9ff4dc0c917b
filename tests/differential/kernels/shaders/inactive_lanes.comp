#version 450
// SPDX-License-Identifier: MIT OR Apache-2.0
// What an inactive invocation would touch is far away, would divide by zero, or both.
layout(local_size_x = 64) in;
layout(std430, binding = 0) readonly buffer In { uint data[]; };
layout(std430, binding = 1) buffer Out { uint result[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i < result.length()) {
    if (i % 3u == 0u) {
      result[i] = data[i / 3u] + 100u / (i % 3u == 0u ? 7u : 0u);
    } else {
      uint far = i * 0x10000000u;
      result[i] = far == 0u ? data[far] : i / (i % 3u);
    }
  }
}
