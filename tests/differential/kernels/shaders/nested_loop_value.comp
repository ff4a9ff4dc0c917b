#version 450
// SPDX-License-Identifier: MIT OR Apache-2.0
// A value from a loop that all leave together, inside of one that they leave in different
// rounds.
layout(local_size_x = 64) in;
layout(std430, binding = 0) buffer Out { uint result[]; };
layout(push_constant) uniform Push { uint base; };
void main() {
  uint i = gl_GlobalInvocationID.x, fixed_value = 0u, last = 0u, k = 0u;
  do {
    uint m = 0u;
    do {
      fixed_value = base;
      last = base + k * 10u + m;
      ++m;
    } while (m < 2u);
    ++k;
  } while (k < i % 29u);
  result[i] = fixed_value * 1000u + last;
}
