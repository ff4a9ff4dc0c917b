// SPDX-License-Identifier: MIT OR Apache-2.0
#version 450
layout(local_size_x = 64) in;
layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) buffer Out { uint results[]; };
uint one(uint x, uint k) {
  uint r = k;
  switch (x % 9) {
    case 0: r += 1;
    case 1: r += 2; break;
    case 2: if (k > 3) break; r = 17;
    case 5: r *= 3; break;
    case 7: return r + 1000;
    default: r ^= x;
  }
  return r;
}
void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  uint sum = 0;
  for (uint k = 0; k < 6; ++k) {
    switch (n & 3) { case 1: sum += 3; break; case 2: sum ^= k; default: sum++; }
    switch ((a[i] + k) & 3) { case 0: continue; case 3: sum += 9; break; }
    sum = sum * 3 + one(a[i] + k, k);
  }
  results[i] = sum;
}
