// SPDX-License-Identifier: MIT OR Apache-2.0
// Copies a 4-D array between any strides; from f32 to f16.
//   0.0  from: f32[], read  0.1  to: f16[], written
// Launch: ceil(elements / size) workgroups.
#version 450
#extension GL_EXT_shader_16bit_storage : require
layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0) readonly buffer From { float from[]; };
layout(set = 0, binding = 1) writeonly buffer To { float16_t to[]; };
layout(push_constant) uniform Parameters {
  uint elements;
  uint from_size[4], from_stride[4], to_size[4], to_stride[4];
  uint from_offset, to_offset;
  float scale;
};

uint place(uint i, uint size[4], uint stride[4]) {
  const uint d3 = i / (size[0] * size[1] * size[2]);
  i -= d3 * size[0] * size[1] * size[2];
  const uint d2 = i / (size[0] * size[1]);
  i -= d2 * size[0] * size[1];
  const uint d1 = i / size[0];
  return d3 * stride[3] + d2 * stride[2] + d1 * stride[1] + (i - d1 * size[0]) * stride[0];
}

void main() {
  const uint i = gl_GlobalInvocationID.x;
  if (i >= elements) return;
  to[to_offset + place(i, to_size, to_stride)] =
      float16_t(from[from_offset + place(i, from_size, from_stride)] * scale);
}
