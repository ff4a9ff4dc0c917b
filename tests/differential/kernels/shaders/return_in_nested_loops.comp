#version 450
// SPDX-License-Identifier: MIT OR Apache-2.0
layout(local_size_x = 16) in;
layout(std430, binding = 0) buffer Out { uint result[]; };
uint search(uint goal) {
  for (uint i = 0u; i < 9u; ++i) {
    for (uint j = 0u; j < 9u; ++j) {
      if (i * j == goal && i > 1u) return i * 100u + j;
      if (i + j == goal) break;
    }
    if (i == goal) continue;
    if (i * i > goal + 40u) return 7000u + i;
  }
  return 9999u;
}
void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= result.length()) return;
  uint sum = 0u;
  for (uint k = 0u; k < 3u; ++k) sum += search(i + k * 5u);
  result[i] = sum;
}
