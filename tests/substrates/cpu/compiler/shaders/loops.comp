// SPDX-License-Identifier: MIT OR Apache-2.0
#version 450
layout(local_size_x = 64) in;
layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) buffer Out { uint results[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  uint x = a[i], sum = 0, last = 99;
  for (uint k = 0; k < 20; ++k) {
    if (k == (x & 31)) break;
    if (((x >> k) & 1) != 0) continue;
    for (uint j = k; j < 12; j += 1 + (i & 1)) {
      if (j * x == 24) { last = j * 100 + k; break; }
      sum += j ^ k;
    }
    sum = sum * 5 + k;
  }
  uint steps = 0;
  do { steps++; x = (x & 1) != 0 ? (x * 3 + 1) & 0xffffu : x >> 1; } while (x > 1 && steps < 200);
  uint uniform_sum = 0;
  for (uint k = 0; k < n; ++k) { uniform_sum += a[k] & 7; if (uniform_sum > 5000) break; }
  results[i] = sum + last * 7 + steps * 31 + uniform_sum;
}
