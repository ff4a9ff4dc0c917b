// SPDX-License-Identifier: MIT OR Apache-2.0
// glslc: --target-env=vulkan1.2
// y[row] = sum over k of W[row, k] * x[k], W in blocks of 32 values of 4 bits and a scale.
//   0.0  w: blocks of 18 bytes (f16 scale, 16 bytes: value i low, i + 16 high), read
//   0.1  x: vec4[], read   0.2  y: f32[], written
// Launch: one workgroup for each ROWS rows.
#version 450
#extension GL_EXT_shader_16bit_storage : require
layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(constant_id = 1) const uint ROWS = 2;

struct Block { float16_t d; uint16_t q[8]; };
layout(set = 0, binding = 0) readonly buffer W { Block w[]; };
layout(set = 0, binding = 1) readonly buffer X { vec4 x[]; };
layout(set = 0, binding = 2) writeonly buffer Y { float y[]; };
layout(push_constant) uniform Parameters { uint rows, k; };

shared float part[ROWS][gl_WorkGroupSize.x];

void main() {
  const uint lane = gl_LocalInvocationID.x;
  const uint first = gl_WorkGroupID.x * ROWS;
  const uint blocks = k / 32;
  float sums[ROWS];
  for (uint r = 0; r < ROWS; ++r) sums[r] = 0.0;
  // Two lanes a block: one for each half of the words.
  for (uint i = lane / 2; i < blocks; i += gl_WorkGroupSize.x / 2) {
    const uint half_ = lane % 2;
    for (uint r = 0; r < ROWS; ++r) {
      const uint at = min(first + r, rows - 1) * blocks + i;
      const float d = float(w[at].d);
      float sum = 0.0;
      for (uint j = 0; j < 2; ++j) {
        const uint word = uint(w[at].q[half_ * 4 + 2 * j]) | uint(w[at].q[half_ * 4 + 2 * j + 1]) << 16;
        const vec4 low = vec4(word & 0xF, word >> 8 & 0xF, word >> 16 & 0xF, word >> 24 & 0xF) - 8.0;
        const vec4 high = vec4(word >> 4 & 0xF, word >> 12 & 0xF, word >> 20 & 0xF, word >> 28) - 8.0;
        sum += dot(low, x[i * 8 + half_ * 2 + j]) + dot(high, x[i * 8 + 4 + half_ * 2 + j]);
      }
      sums[r] = fma(d, sum, sums[r]);
    }
  }
  for (uint r = 0; r < ROWS; ++r) part[r][lane] = sums[r];
  barrier();
  for (uint s = gl_WorkGroupSize.x / 2; s > 0; s >>= 1) {
    if (lane < s)
      for (uint r = 0; r < ROWS; ++r) part[r][lane] += part[r][lane + s];
    barrier();
  }
  if (lane == 0)
    for (uint r = 0; r < ROWS; ++r)
      if (first + r < rows) y[first + r] = part[r][0];
}
