// SPDX-License-Identifier: MIT OR Apache-2.0
#version 450
layout(local_size_x = 64) in;
layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) buffer Out { uint results[]; };
struct Pair { uint left; uvec2 right; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  uint table[12];
  Pair pairs[3];
  for (uint k = 0; k < 12; ++k) table[k] = a[i] * k;
  for (uint k = 0; k < 3; ++k) pairs[k] = Pair(k, uvec2(i, a[i] + k));
  if ((i & 1) == 1) table[a[i] % 12] = 4242;
  pairs[a[i] % 3].right[i & 1] += 5;
  uint sum = 0;
  for (uint k = 0; k < 12; ++k) sum = sum * 3 + table[(k + i) % 12];
  for (uint k = 0; k < 3; ++k) sum += pairs[k].left * pairs[(k + a[i]) % 3].right.y + pairs[k].right.x;
  results[i] = sum;
}
