#version 450
// SPDX-License-Identifier: MIT OR Apache-2.0
layout(local_size_x = 32) in;
layout(std430, binding = 0) buffer Out { uint result[]; };
void main() {
  uint i = gl_GlobalInvocationID.x, x = 0u;
  switch (i % 7u) {
    case 0u: x += 1u;
    case 1u: x += 10u; break;
    case 5u: x += 100u;
    default: x += 1000u;
    case 2u: x += 10000u; if (i > 20u) break; x += 7u;
    case 3u: x += 100000u;
  }
  if (i < result.length()) result[i] = x;
}
