#version 450
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_shader_explicit_arithmetic_types_int8 : require
// SPDX-License-Identifier: MIT OR Apache-2.0
// Bytes side by side, the first of which lies before the buffer begins, of a buffer of a few.
layout(local_size_x = 16) in;
layout(binding = 0) readonly buffer In { int data[]; } src;
layout(binding = 1) writeonly buffer Out { uint data[]; } dst;
layout(binding = 2) readonly buffer Table { uint8_t data[]; } table;

void main() {
  uint i = gl_LocalInvocationIndex;
  int at = src.data[i] * 4 - 2;
  dst.data[i] = uint(table.data[at]) + 256u * uint(table.data[at + 1]) +
                65536u * uint(table.data[at + 2]);
}
