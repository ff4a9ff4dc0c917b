// SPDX-License-Identifier: MIT OR Apache-2.0
kernel void stencil(global const float* restrict before, global float* restrict after, uint width,
                    uint height, float c) {
  uint x = get_global_id(0), y = get_global_id(1);
  if (x >= width || y >= height) return;
  uint i = y * width + x;
  float value = before[i];
  if (x > 0 && y > 0 && x + 1 < width && y + 1 < height) {
    float around = before[i - 1] + before[i + 1] + before[i - width] + before[i + width];
    value += c * (around - 4.0f * value);
  }
  after[i] = value;
}
