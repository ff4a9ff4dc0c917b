#version 450
// SPDX-License-Identifier: MIT OR Apache-2.0
// Loads from places that a workgroup's rows have in common, by some of the rows.
layout(local_size_x = 64, local_size_y = 1) in;
layout(binding = 0) readonly buffer In { uint data[]; } src;
layout(binding = 1) writeonly buffer Out { uint data[]; } dst;
layout(binding = 2) readonly buffer Table { uint data[]; } table;
layout(push_constant) uniform Push { uint stride; };
shared uint sh[256];

void main() {
  uint x = gl_LocalInvocationID.x, y = gl_LocalInvocationID.y, i = gl_LocalInvocationIndex;
  for (uint k = i; k < 256u; k += gl_WorkGroupSize.x * gl_WorkGroupSize.y) sh[k] = k * 7u;
  barrier();
  uint groups = 0, rows = 0, cached = 0, far = 0, one = 0;
  if ((y & 1u) == 1u) groups = table.data[x / 4u * stride + x % 4u];
  if (y > 0u && src.data[y] < 1000u) rows = table.data[x * stride];
  if (i % 3u == 0u) cached = sh[(x * 32u) & 255u];
  if (y > 1u && src.data[i] % 3u == 1u) far = table.data[src.data[x]];
  if (y == 2u) one = table.data[stride];
  dst.data[i * 5u] = groups;
  dst.data[i * 5u + 1u] = rows;
  dst.data[i * 5u + 2u] = cached;
  dst.data[i * 5u + 3u] = far;
  dst.data[i * 5u + 4u] = one;
}
