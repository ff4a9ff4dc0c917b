#version 450
// SPDX-License-Identifier: MIT OR Apache-2.0
// One buffer, seen as elements of several sizes, at places that 32 bits can just say: each
// invocation reads an element and adds something to it.
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_shader_explicit_arithmetic_types_int8 : require
layout(local_size_x = 64) in;
layout(constant_id = 0) const uint kKind = 0;  // which of the blocks
layout(constant_id = 1) const bool kScattered = false;
struct Item { uint first; uint between[4]; uint last; };
layout(std430, set = 0, binding = 0) buffer Bytes { uint8_t bytes[]; };
layout(std430, set = 0, binding = 1) buffer Words { uint words[]; };
layout(std430, set = 0, binding = 2) buffer Quads { uvec4 quads[]; };
layout(std430, set = 0, binding = 3) buffer Items { Item items[]; };
layout(std430, set = 0, binding = 4) readonly buffer Places { uint places[64]; };
layout(std430, set = 0, binding = 5) buffer Result { uint result[64]; uint lengths[4]; };
layout(push_constant) uniform Push { uint begin; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  uint at = kScattered ? places[i] : begin + i;
  if (kKind == 0) {
    result[i] = bytes[at];
    bytes[at] += uint8_t(i + 1);
  } else if (kKind == 1) {
    result[i] = words[at];
    words[at] += i + 1;
  } else if (kKind == 2) {
    result[i] = quads[at].w;
    quads[at].w += i + 1;
  } else {
    result[i] = items[at].last;
    items[at].last += i + 1;
  }
  if (i == 0) {
    lengths[0] = bytes.length();
    lengths[1] = words.length();
    lengths[2] = quads.length();
    lengths[3] = items.length();
  }
}
