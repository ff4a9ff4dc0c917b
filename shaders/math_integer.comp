// SPDX-License-Identifier: MIT OR Apache-2.0
// A table of integer functions: out[function * n + i] of a, b, c.
//   push  u32 n
//   0.0   a: i32[n], read   0.1   b: i32[n], read   0.2   c: i32[n], read
//   0.3   out: i32[10 * n], written
// Functions: abs sign min max clamp, then unsigned min max clamp, findLSB, findMSB.
// Launch: n threads.
#version 450
layout(local_size_x = 64) in;

layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { int a[]; };
layout(set = 0, binding = 1) readonly buffer B { int b[]; };
layout(set = 0, binding = 2) readonly buffer C { int c[]; };
layout(set = 0, binding = 3) writeonly buffer Out { int results[]; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  int x = a[i], low = min(b[i], c[i]), high = max(b[i], c[i]);
  uint ulow = min(uint(b[i]), uint(c[i])), uhigh = max(uint(b[i]), uint(c[i]));
  results[0 * n + i] = abs(x);
  results[1 * n + i] = sign(x);
  results[2 * n + i] = min(x, low);
  results[3 * n + i] = max(x, high);
  results[4 * n + i] = clamp(x, low, high);
  results[5 * n + i] = int(min(uint(x), ulow));
  results[6 * n + i] = int(max(uint(x), uhigh));
  results[7 * n + i] = int(clamp(uint(x), ulow, uhigh));
  results[8 * n + i] = findLSB(x);
  results[9 * n + i] = findMSB(x);
}
