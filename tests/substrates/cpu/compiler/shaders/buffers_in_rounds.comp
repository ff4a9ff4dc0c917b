#version 450
// SPDX-License-Identifier: MIT OR Apache-2.0
// Buffers of an array by the number of a round, some of which the array does not have.
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer In { uint data[]; } src[2];
layout(binding = 1) writeonly buffer Out { uint data[]; } dst;
layout(binding = 2) writeonly buffer More { uint data[]; } more;
shared uint s[64];

void main() {
  uint lid = gl_LocalInvocationIndex, sum = 0;
  for (uint k = 0; k < 4; ++k) {
    if (k < 2) sum += src[k].data[lid];
    s[lid] = sum;
    barrier();
    sum += s[63 - lid];
    barrier();
  }
  dst.data[lid] = sum;
  more.data[lid] = sum + 1u;
}
