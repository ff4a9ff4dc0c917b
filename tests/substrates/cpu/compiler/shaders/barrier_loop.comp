// SPDX-License-Identifier: MIT OR Apache-2.0
#version 450
layout(local_size_x = 64) in;
layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) buffer Out { uint results[]; };
shared uint data[64];
void main() {
  uint i = gl_GlobalInvocationID.x, l = gl_LocalInvocationID.x;
  data[l] = i < n ? a[i] & 1023 : 1;
  barrier();
  uint mine = l * 3;
  for (uint s = 1; s < 64; s <<= 1) {
    uint other = data[(l + s) & 63];
    if (n > 30) {
      barrier();
      data[l] += other;
    } else {
      barrier();
      data[l] ^= other + s;
    }
    mine = mine * 3 + other;
    barrier();
  }
  if (i < n) results[i] = data[l] + mine + data[63 - l];
}
