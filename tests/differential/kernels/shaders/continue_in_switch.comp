#version 450
// SPDX-License-Identifier: MIT OR Apache-2.0
layout(local_size_x = 64) in;
layout(std430, binding = 0) buffer Out { uint result[]; };
void main() {
  uint i = gl_GlobalInvocationID.x, x = 1u, k = 0u;
  do {
    ++k;
    switch ((x + i) % 4u) {
      case 0u: x += 3u; continue;
      case 1u: if (k > 6u) break; x *= 3u;
      case 2u: x ^= k; break;
      default: if ((i & 1u) == 1u) continue; x += i;
    }
    x = x * 5u + 1u;
  } while (k < 10u && x % 11u != 0u);
  result[i] = x * 16u + k;
}
