// SPDX-License-Identifier: MIT OR Apache-2.0
// Push constants of 8 and 16 bits.
//   push: i8 a, u8 b, i16 c   0.0   out: i32[64], written
// Launch: 64 threads.
#version 450
#extension GL_EXT_shader_explicit_arithmetic_types : require
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_shader_16bit_storage : require
layout(local_size_x = 64) in;
layout(push_constant) uniform Push { int8_t a; uint8_t b; int16_t c; };
layout(set = 0, binding = 0) writeonly buffer Out { int results[]; };

void main() {
  uint i = gl_LocalInvocationIndex;
  results[i] = int(a) * int(i) + int(b) - int(c);
}
