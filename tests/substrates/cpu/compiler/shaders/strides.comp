// SPDX-License-Identifier: MIT OR Apache-2.0
// Loops that advance by what the launch says: up, down, by several counters at once.
#version 450
layout(local_size_x = 64) in;
layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) buffer Out { uint results[]; };
void main() {
  uint i = gl_GlobalInvocationID.x, all = gl_NumWorkGroups.x * 64, sum = 0;
  for (uint k = i; k < n; k += all) sum += a[k] * 3;
  for (int k = int(n - 1 - i); k >= 0; k -= int(all)) sum ^= a[k];
  for (uint k = i, at = i; k < 2 * n; k += all, at += n | 1) sum += a[at & 127] + a[at];
  for (uint k = i & ~3u; k < n; k += all) sum += a[k / 2] + a[k % 5];
  if (i < n) results[i] = sum;
}
