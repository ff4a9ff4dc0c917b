// SPDX-License-Identifier: MIT OR Apache-2.0
// The run-time lengths of buffers, with elements of several sizes and after a fixed part.
//   0.0   a: u32[], read   0.1   b { uvec4 header; vec4 tail[] }, read
//   0.2   c { u32 header; S tail[] } with 12-byte S, read   0.3   out: u32[4], written
// Launch: 1 workgroup.
#version 450
layout(local_size_x = 1) in;

struct S { float x, y, z; };
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) readonly buffer B { uvec4 b_header; vec4 b[]; };
layout(set = 0, binding = 2) readonly buffer C { uint c_header; S c[]; };
layout(set = 0, binding = 3) writeonly buffer Out { uint results[4]; };

void main() {
  results[0] = uint(a.length());
  results[1] = uint(b.length());
  results[2] = uint(c.length());
  results[3] = a[a.length() - 1] + uint(b[b.length() - 1].w) + uint(c[c.length() - 1].z);
}
