#version 450
// SPDX-License-Identifier: MIT OR Apache-2.0
layout(local_size_x = 17) in;
layout(std430, binding = 0) buffer Out { uint result[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  uint sorted[9];
  for (uint k = 0u; k < 9u; ++k) sorted[k] = ((i + 3u) * (k * 7u + 5u)) % 31u;
  for (uint k = 1u; k < 9u; ++k) {
    uint x = sorted[k];
    int m = int(k) - 1;
    while (m >= 0 && sorted[m] > x) {
      sorted[m + 1] = sorted[m];
      --m;
    }
    sorted[m + 1] = x;
  }
  uint digest = 0u;
  for (uint k = 0u; k < 9u; ++k) digest = digest * 31u + sorted[k];
  result[i] = digest;
}
