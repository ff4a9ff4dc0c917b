#version 450
// SPDX-License-Identifier: MIT OR Apache-2.0
// A value defined in the loop and used after it, by invocations that left in different rounds.
layout(local_size_x = 64) in;
layout(std430, binding = 0) buffer Out { uint result[]; };
void main() {
  uint i = gl_GlobalInvocationID.x, last = 0u;
  for (uint k = 0u; k < 40u; ++k) {
    last = k * k + i;
    if (k == (i * 7u) % 41u) break;
    for (uint m = 0u; m < (i & 3u); ++m) last += m;
  }
  result[i] = last;
}
