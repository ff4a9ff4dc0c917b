// SPDX-License-Identifier: MIT OR Apache-2.0
// Workgroup memory with a layout of its own, written as bytes and read as halves of words.
//   0.0   a: u32[64], read   0.1   out: u32[64], written
// Launch: 64 threads.
#version 450
#extension GL_EXT_shared_memory_block : require
#extension GL_EXT_shader_explicit_arithmetic_types : require
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_shader_16bit_storage : require
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) writeonly buffer Out { uint results[]; };
shared Bytes { uint8_t bytes[128]; } as_bytes;
shared Halves { uint16_t halves[64]; } as_halves;

void main() {
  uint i = gl_LocalInvocationIndex;
  as_bytes.bytes[2 * i] = uint8_t(a[i]);
  as_bytes.bytes[2 * i + 1] = uint8_t(a[i] >> 16);
  barrier();
  results[i] = uint(as_halves.halves[63 - i]);
}
