// SPDX-License-Identifier: MIT OR Apache-2.0
// Reads and writes behind the end of buffers: the reads give 0, the writes are dropped.
//   push  u32 n, far          far is at least n
//   0.0   a: u32[n], read   0.1   b: u32[n], read and written   0.2   out: u32[2 * n], written:
//         a[i + far], then a[i] where i is even and b[i + far] where it is odd
// Launch: n threads.
#version 450
layout(local_size_x = 64) in;

layout(push_constant) uniform Params { uint n, far; };
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) buffer B { uint b[]; };
layout(set = 0, binding = 2) writeonly buffer Out { uint results[]; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  b[i + far] = 0xDEADu;
  results[2 * i] = a[i + far];
  results[2 * i + 1] = (i & 1) == 0 ? a[i] : b[i + far];
}
