// SPDX-License-Identifier: MIT OR Apache-2.0
// Packing of vectors into words and back.
//   push  u32 n
//   0.0   a: vec4[n], read   0.1   words: u32[n], read
//   0.2   packed: u32[5 * n], written   0.3   unpacked: vec4[3 * n], written
// Launch: n threads.
#version 450
layout(local_size_x = 64) in;

layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { vec4 a[]; };
layout(set = 0, binding = 1) readonly buffer Words { uint words[]; };
layout(set = 0, binding = 2) writeonly buffer Packed { uint packed_words[]; };
layout(set = 0, binding = 3) writeonly buffer Unpacked { vec4 unpacked[]; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  vec4 x = a[i];
  uint word = words[i];
  packed_words[5 * i + 0] = packUnorm4x8(x);
  packed_words[5 * i + 1] = packSnorm4x8(x);
  packed_words[5 * i + 2] = packUnorm2x16(x.xy);
  packed_words[5 * i + 3] = packSnorm2x16(x.zw);
  packed_words[5 * i + 4] = packHalf2x16(x.yz);
  unpacked[3 * i + 0] = unpackUnorm4x8(word);
  unpacked[3 * i + 1] = unpackSnorm4x8(word);
  unpacked[3 * i + 2] = vec4(unpackUnorm2x16(word).x, unpackSnorm2x16(word).y,
                             unpackHalf2x16(word & 0x7BFF7BFFu));
}
