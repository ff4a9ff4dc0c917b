// SPDX-License-Identifier: MIT OR Apache-2.0
// One buffer seen as three types: written as f32, read back as bits and as vectors.
//   push  u32 n                 a multiple of 4
//   0.0   data: f32[n] = u32[n] = uvec4[n / 4], read and written
//   0.1   out: u32[n], written
// Launch: n / 4 threads; each owns one vector.
#version 450
layout(local_size_x = 16) in;

layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) buffer Floats { float floats[]; };
layout(set = 0, binding = 0) buffer Words { uint words[]; };
layout(set = 0, binding = 0) buffer Vectors { uvec4 vectors[]; };
layout(set = 0, binding = 1) writeonly buffer Out { uint results[]; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (4 * i >= n) return;
  floats[4 * i] = float(words[4 * i] & 0xFFFFu);
  words[4 * i + 1] ^= 0x80000000u;
  uvec4 vector = vectors[i];
  vectors[i].z = vector.x + vector.y;
  for (uint j = 0; j < 4; ++j) results[4 * i + j] = words[4 * i + j] + vector[3 - j];
}
