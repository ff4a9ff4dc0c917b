// SPDX-License-Identifier: MIT OR Apache-2.0
// Iterations until z = z^2 + c leaves the disc of radius 2, at most max_iterations.
//   push  u32 width, height, max_iterations; f32 left, top, step (of one pixel)
//   0.0   u32[height * width], written
// Launch: width x height threads.
#version 450
layout(local_size_x = 16, local_size_y = 16) in;

layout(push_constant) uniform Params {
  uint width, height, max_iterations;
  float left, top, step_size;
};
layout(set = 0, binding = 0) writeonly buffer Iterations { uint iterations[]; };

void main() {
  uvec2 pixel = gl_GlobalInvocationID.xy;
  if (pixel.x >= width || pixel.y >= height) return;
  float cx = left + float(pixel.x) * step_size, cy = top + float(pixel.y) * step_size;
  float x = 0.0, y = 0.0;
  uint count = 0;
  while (count < max_iterations && x * x + y * y <= 4.0) {
    float next = x * x - y * y + cx;
    y = 2.0 * x * y + cy;
    x = next;
    ++count;
  }
  iterations[pixel.y * width + pixel.x] = count;
}
