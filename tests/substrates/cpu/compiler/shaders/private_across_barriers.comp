// SPDX-License-Identifier: MIT OR Apache-2.0
#version 450
layout(local_size_x = 64) in;
layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) buffer Out { uint results[]; };
shared uint data[64];
void main() {
  uint i = gl_GlobalInvocationID.x, l = gl_LocalInvocationID.x;
  uint keep[5];
  for (uint k = 0; k < 5; ++k) keep[k] = l * k + 1;
  uint count = 0;
  for (uint round = 0; round < 4; ++round) {
    data[l] = keep[round] + count;
    barrier();
    if ((l & 1) == 0) { keep[(l + round) % 5] += data[63 - l]; count += round; }
    barrier();
  }
  uint sum = count;
  for (uint k = 0; k < 5; ++k) sum = sum * 7 + keep[k];
  if (i < n) results[i] = sum;
}
