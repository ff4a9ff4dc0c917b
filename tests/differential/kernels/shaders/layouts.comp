#version 450
// SPDX-License-Identifier: MIT OR Apache-2.0
// Strides and offsets that are not those of packed arrays.
layout(local_size_x = 4) in;
struct Item { vec3 a; float b; mat3 m; uint tail[3]; };
layout(std430, binding = 0) readonly buffer In { uint head; layout(row_major) mat2x3 r[2]; Item items[]; };
layout(std430, binding = 1) buffer Out { uint result[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= items.length()) return;
  Item item = items[i];
  uint row = i & 1u;
  float x = r[row][1][i % 3u];
  result[i * 4u] = head + uint(item.a[i % 3u]) + uint(item.b);
  result[i * 4u + 1u] = uint(item.m[i % 3u][(i + 1u) % 3u]);
  result[i * 4u + 2u] = item.tail[(i + 2u) % 3u];
  result[i * 4u + 3u] = uint(x);
}
