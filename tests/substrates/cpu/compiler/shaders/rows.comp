// SPDX-License-Identifier: MIT OR Apache-2.0
#version 450
layout(local_size_x = 16, local_size_y = 4) in;
layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) buffer Out { uint results[]; };
void main() {
  uint x = gl_LocalInvocationID.x, y = gl_LocalInvocationID.y;
  uint i = gl_WorkGroupID.x * 64 + y * 16 + x, sum = 0;
  if (i >= n) return;
  for (uint k = 0; k < 20; ++k) sum += a[(y + 1) * 7 + k] * a[k * 3 + x];
  if (y < 2) sum += 5; else if (x < 9) sum *= 3;
  results[i] = sum;
}
