#version 450
// SPDX-License-Identifier: MIT OR Apache-2.0
// Each invocation stops at its own time, the last after 100,000 rounds.
layout(local_size_x = 8) in;
layout(std430, binding = 0) buffer Out { uint result[]; };
void main() {
  uint i = gl_GlobalInvocationID.x, rounds = 0u, x = i;
  while (rounds < 100000u - i * 1000u) {
    x = x * 1664525u + 1013904223u;
    ++rounds;
  }
  result[i * 2u] = rounds;
  result[i * 2u + 1u] = x;
}
