#version 450
// SPDX-License-Identifier: MIT OR Apache-2.0
// Quotients by one number for all, which may be -1, where some lane has the lowest number of all.
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer In { int data[]; } src;
layout(binding = 1) writeonly buffer Out { int data[]; } dst;
layout(push_constant) uniform Push { int by; };

void main() {
  uint id = gl_GlobalInvocationID.x;
  int a = src.data[id], lowest = int(0x80000000u);
  int quotient = 0, rest = 0;
  if (a != lowest) {
    quotient = a / by;
    rest = a % by;
  }
  int all = a / by, left = a % by;
  dst.data[id * 4] = quotient;
  dst.data[id * 4 + 1] = rest;
  dst.data[id * 4 + 2] = a == lowest ? 0 : all;
  dst.data[id * 4 + 3] = a == lowest ? 0 : left;
}
