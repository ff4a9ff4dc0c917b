// glslc: --target-env=vulkan1.2
#version 450
// SPDX-License-Identifier: MIT OR Apache-2.0
// Push constants of every kind of layout: a pointer, nested structures, a row-major matrix,
// narrow types, and members that are not in the order of their offsets.
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types : require
layout(local_size_x = 1) in;
layout(buffer_reference, std430) buffer Target { uint word; };
struct Pair { uint8_t small; float16_t half_; };
layout(push_constant) uniform Push {
  layout(offset = 64) Target to;
  layout(offset = 0) Pair pairs[2];
  layout(offset = 16, row_major) mat2x3 rows;
};

void main() {
  to.word = uint(pairs[1].small) + uint(rows[0][1]);
}
