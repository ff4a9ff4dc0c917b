// SPDX-License-Identifier: MIT OR Apache-2.0
// Buffers in four descriptor sets, bindings out of order and with gaps.
//   push  u32 n
//   0.5   a: u32[n], read   1.0   b: u32[n], read   2.3   c { u32 scale, offset }, uniform
//   3.1   out: u32[n], written
// Launch: n threads.
#version 450
layout(local_size_x = 64) in;

layout(push_constant) uniform Params { uint n; };
layout(set = 3, binding = 1) writeonly buffer Out { uint results[]; };
layout(set = 0, binding = 5) readonly buffer A { uint a[]; };
layout(set = 2, binding = 3) uniform C { uint scale, offset; };
layout(set = 1, binding = 0) readonly buffer B { uint b[]; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i < n) results[i] = (a[i] ^ b[i]) * scale + offset;
}
