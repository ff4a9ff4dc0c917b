// SPDX-License-Identifier: MIT OR Apache-2.0
// Rows at a distance that the launch says, upwards and downwards, in loops and behind them.
#version 450
layout(local_size_x = 16, local_size_y = 8) in;
layout(push_constant) uniform Params { uint n, pitch, base; };
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) buffer Out { uint results[]; };
layout(set = 0, binding = 2) buffer Rows { uint rows[]; };
void main() {
  uint x = gl_LocalInvocationID.x, y = gl_LocalInvocationID.y;
  uint first = base + gl_WorkGroupID.x * 3, sum = 0;
  for (uint k = 0; k < 3; ++k) sum += a[(y + k) * pitch + first + x] * (k + 1);
  sum ^= a[first - y * pitch + x];
  sum += a[first + x + pitch * (9 - y)] * 5;
  uint at, k = 0;
  do {  // each row leaves with an index of its own
    at = k * k * pitch + (y * 3 + x) * 2;
    sum += a[at];
    ++k;
  } while (k < y);
  sum += a[at + y * pitch] * 7;
  if (y != 3) sum += a[y * pitch + x];
  uint i = gl_WorkGroupID.x * 128 + y * 16 + x;
  if (i < n) results[i] = sum;
  // As wide as a row at least, so that no two write the same.
  if (gl_WorkGroupID.x == 0) rows[y * (pitch | 16) + base + x] = sum;
}
