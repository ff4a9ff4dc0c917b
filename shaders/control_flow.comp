// SPDX-License-Identifier: MIT OR Apache-2.0
// Nested loops with break and continue at both levels, do-while, and conditions that differ
// from lane to lane.
//   push  u32 n
//   0.0   a: u32[n], read   0.1   out: u32[n], written
// Launch: n threads.
#version 450
layout(local_size_x = 64) in;

layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) writeonly buffer Out { uint results[]; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  uint x = a[i], sum = 0;
  for (uint outer = 0; outer < x % 11; ++outer) {
    if ((x >> outer) % 5 == 3) continue;
    uint inner = 0;
    while (true) {
      ++inner;
      if ((inner ^ x) % 7 == 0) break;
      if ((inner + outer) % 3 == 0) continue;
      sum += inner * (outer + 1);
      if (inner > 12) break;
    }
    if (sum > 4000) break;
    sum ^= inner;
  }
  do {
    x = (x & 1) != 0 ? 3 * x + 1 : x >> 1;
    ++sum;
  } while (x > 1 && sum % 64 != 63);
  results[i] = sum * 31 + (x & 0xFFu);
}
