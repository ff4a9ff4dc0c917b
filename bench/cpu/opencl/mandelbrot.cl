// SPDX-License-Identifier: MIT OR Apache-2.0
kernel void mandelbrot(global uint* restrict iterations, uint width, uint height,
                       uint max_iterations, float left, float top, float step_size) {
  uint px = get_global_id(0), py = get_global_id(1);
  if (px >= width || py >= height) return;
  float cx = left + (float)px * step_size, cy = top + (float)py * step_size;
  float x = 0.0f, y = 0.0f;
  uint count = 0;
  while (count < max_iterations && x * x + y * y <= 4.0f) {
    float next = x * x - y * y + cx;
    y = 2.0f * x * y + cy;
    x = next;
    ++count;
  }
  iterations[py * width + px] = count;
}
