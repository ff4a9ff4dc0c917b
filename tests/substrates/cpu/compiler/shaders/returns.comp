// SPDX-License-Identifier: MIT OR Apache-2.0
// glslc: -O0
#version 450
layout(local_size_x = 64) in;
layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) buffer Out { uint results[]; };
uint find(uint x) {
  for (uint d = 2; d < 12; ++d) {
    for (uint e = 1; e < 4; ++e) {
      if (x % (d * e) == e) return d * 10 + e;
      if (x == d) break;
    }
    if (d > 9 && (x & 1) == 1) return 777;
  }
  return 5;
}
void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  uint sum = 0;
  for (uint k = 0; k < 3; ++k) {
    uint f = find(a[i] + k);
    if (f == 777) { results[i] = sum; return; }
    sum = sum * 101 + f;
  }
  results[i] = sum;
}
