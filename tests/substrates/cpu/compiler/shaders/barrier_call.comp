// SPDX-License-Identifier: MIT OR Apache-2.0
// glslc: -O0
#version 450
layout(local_size_x = 64) in;
layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) buffer Out { uint results[]; };
shared uint data[64];
uint rotate(uint value, uint by) {
  uint l = gl_LocalInvocationID.x;
  data[l] = value;
  barrier();
  uint r = data[(l + by) & 63];
  barrier();
  return r;
}
void main() {
  uint i = gl_GlobalInvocationID.x;
  uint x = i < n ? a[i] : i;
  for (uint k = 1; k < 4; ++k) x = rotate(x + k, k * 5) ^ (x << 1);
  if (i < n) results[i] = x;
}
