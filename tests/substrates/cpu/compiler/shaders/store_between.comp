#version 450
// SPDX-License-Identifier: MIT OR Apache-2.0
// Loads of elements side by side, with stores to some of them between.
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer In { uint data[]; } src;
layout(binding = 1) writeonly buffer Out { uint data[]; } dst;
shared uint s[64 * 4 + 4];

void main() {
  uint lid = gl_LocalInvocationIndex, id = gl_GlobalInvocationID.x, b = lid * 4;
  for (uint k = 0; k < 4; ++k) s[b + k] = src.data[id] + k * 1000u;
  barrier();
  uint x = s[b];
  s[b + 1] = x + 1u;
  uint y = s[b + 1];
  s[b + 2] = y * 3u;
  uint z = s[b + 2];
  s[b] = z ^ 5u;
  uint w = s[b + 3];
  uint first = s[b];
  barrier();
  dst.data[id] = x + 7u * y + 11u * z + 13u * w + 17u * first + s[b + 1];
}
