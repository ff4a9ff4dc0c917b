// SPDX-License-Identifier: MIT OR Apache-2.0
// y[column][row] = sum over k of W[row, k] * x[column][k], W in blocks of 256 values of 4 bits: f16 scale
// and minimum of the block, 6-bit scales and minima of 8 groups of 32.
//   0.0, 0.1  the same 144 bytes a block: f16 pair, 12 bytes, 128 bytes; as words and as halves, read
//   0.2  x: vec4[columns * k / 4], read   0.3  y: f32[columns * rows], written
// Launch: rows workgroups, one for each row.
#version 450
#extension GL_EXT_shader_16bit_storage : require
layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(constant_id = 1) const uint COLUMNS = 1;
const uint WORDS = 36;
layout(set = 0, binding = 0) readonly buffer W32 { uint words[]; };
layout(set = 0, binding = 1) readonly buffer W16 { f16vec2 halves[]; };
layout(set = 0, binding = 2) readonly buffer X { vec4 x[]; };
layout(set = 0, binding = 3) writeonly buffer Y { float y[]; };
layout(push_constant) uniform Parameters { uint rows, k; };
shared float part[COLUMNS][gl_WorkGroupSize.x];

uint scale_byte(uint block, uint i) { return words[block * WORDS + 1 + i / 4] >> (i % 4 * 8) & 0xFF; }

void main() {
  const uint lane = gl_LocalInvocationID.x, row = gl_WorkGroupID.x;
  float sums[COLUMNS];
  for (uint c = 0; c < COLUMNS; ++c) sums[c] = 0.0;
  // A lane has 32 values of one block: one group of scales.
  for (uint i = lane; i < k / 32; i += gl_WorkGroupSize.x) {
    const uint block = row * (k / 256) + i / 8, group = i % 8;
    const vec2 dm = vec2(halves[block * WORDS]);
    uint scale, least;
    if (group < 4) {
      scale = scale_byte(block, group) & 63;
      least = scale_byte(block, group + 4) & 63;
    } else {
      scale = scale_byte(block, group + 4) & 15 | scale_byte(block, group - 4) >> 6 << 4;
      least = scale_byte(block, group + 4) >> 4 | scale_byte(block, group) >> 6 << 4;
    }
    const float d = dm.x * float(scale), m = dm.y * float(least);
    for (uint w = 0; w < 8; ++w) {
      const uint word = words[block * WORDS + 4 + group / 2 * 8 + w] >> (group % 2 * 4);
      const vec4 q = vec4(word & 15, word >> 8 & 15, word >> 16 & 15, word >> 24 & 15);
      for (uint c = 0; c < COLUMNS; ++c) sums[c] += dot(d * q - m, x[(c * k + i * 32) / 4 + w]);
    }
  }
  for (uint c = 0; c < COLUMNS; ++c) part[c][lane] = sums[c];
  barrier();
  for (uint s = gl_WorkGroupSize.x / 2; s > 0; s /= 2) {
    if (lane < s)
      for (uint c = 0; c < COLUMNS; ++c) part[c][lane] += part[c][lane + s];
    barrier();
  }
  if (lane < COLUMNS) y[lane * rows + row] = part[lane][0];
}
