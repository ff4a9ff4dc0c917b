// SPDX-License-Identifier: MIT OR Apache-2.0
// One explicit step of the heat equation, 5-point stencil; the edge keeps its values.
//   push  u32 width, height; f32 c
//   0.0   before: f32[height * width], read
//   0.1   after: f32[height * width], written
// Launch: width x height threads.
#version 450
layout(local_size_x = 32, local_size_y = 8) in;

layout(push_constant) uniform Params { uint width, height; float c; };
layout(set = 0, binding = 0) readonly buffer Before { float before[]; };
layout(set = 0, binding = 1) writeonly buffer After { float after[]; };

void main() {
  uint x = gl_GlobalInvocationID.x, y = gl_GlobalInvocationID.y;
  if (x >= width || y >= height) return;
  uint i = y * width + x;
  float value = before[i];
  if (x > 0 && y > 0 && x + 1 < width && y + 1 < height) {
    float around = before[i - 1] + before[i + 1] + before[i - width] + before[i + width];
    value += c * (around - 4.0 * value);
  }
  after[i] = value;
}
