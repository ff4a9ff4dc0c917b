// SPDX-License-Identifier: MIT OR Apache-2.0
#version 450
layout(local_size_x = 64) in;
layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) buffer Out { uint results[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  uint sum = a[n - 1 - i] + a[i / 3] + a[i & 15] * 3 + a[i >> 4] + a[(i * 2) % n];
  sum += a[i * 3] + a[i + 5] + a[i - 5] + a[gl_WorkGroupID.x] + a[0xffffffffu - i];
  int j = int(i) - 40;
  sum += a[j] * 5 + a[j * 1000000];
  results[i] = sum;
}
