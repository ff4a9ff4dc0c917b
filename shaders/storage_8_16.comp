// SPDX-License-Identifier: MIT OR Apache-2.0
// 8- and 16-bit types that are only stored, and computed in 32 bits: buffers, a uniform
// block and push constants.
//   push  u32 n; u16 scale, offset
//   0.0   bytes: u8[n], read   0.1   shorts: i16[n], read   0.2   halves: f16[n], read
//   0.3   { i8 a, b; u16 c; f16 d }, uniform
//   0.4   out: u8[n], written   0.5   out16: u16[n], written   0.6   out_half: f16[n], written
// Launch: n threads.
#version 450
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_shader_16bit_storage : require
layout(local_size_x = 64) in;

layout(push_constant) uniform Params { uint n; uint16_t scale, offset; };
layout(set = 0, binding = 0) readonly buffer Bytes { uint8_t bytes[]; };
layout(set = 0, binding = 1) readonly buffer Shorts { int16_t shorts[]; };
layout(set = 0, binding = 2) readonly buffer Halves { float16_t halves[]; };
layout(set = 0, binding = 3) uniform Constants { int8_t a, b; uint16_t c; float16_t d; };
layout(set = 0, binding = 4) writeonly buffer OutBytes { uint8_t out_bytes[]; };
layout(set = 0, binding = 5) writeonly buffer OutShorts { uint16_t out_shorts[]; };
layout(set = 0, binding = 6) writeonly buffer OutHalves { float16_t out_halves[]; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  out_bytes[i] = uint8_t(uint(bytes[i]) + uint(int(a) * int(b)));
  out_shorts[i] = uint16_t(uint(int(shorts[i])) * uint(scale) + uint(offset) + uint(c));
  out_halves[i] = float16_t(float(halves[i]) * float(d));
}
