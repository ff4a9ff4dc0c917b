// SPDX-License-Identifier: MIT OR Apache-2.0
// The discrete cosine transform of blocks of 8 x 8 pixels, divided by a table, as JPEG has it.
//   0.0  from: u8[height * width], read  0.1  table: f32[64], read  0.2  to: f32[blocks * 64], written
// Launch: width / 8 / BLOCKS, height / 8 workgroups of 64 * BLOCKS.
#version 450
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_shader_explicit_arithmetic_types_int8 : require
layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(constant_id = 1) const uint BLOCKS = 4;
layout(set = 0, binding = 0) readonly buffer From { uint8_t from[]; };
layout(set = 0, binding = 1) readonly buffer Table { float table[64]; };
layout(set = 0, binding = 2) writeonly buffer To { float to[]; };
layout(push_constant) uniform Parameters { uint width, height; };
shared float rows[BLOCKS][8][8];
shared float columns[BLOCKS][8][9];

void main() {
  const uint lane = gl_LocalInvocationID.x;
  const uint b = lane / 64, y = lane / 8 % 8, x = lane % 8;
  const uint block = gl_WorkGroupID.x * BLOCKS + b;
  const bool inside = block < width / 8;
  rows[b][y][x] = inside ? float(from[(gl_WorkGroupID.y * 8 + y) * width + block * 8 + x]) - 128.0 : 0.0;
  barrier();
  float sum = 0.0;
  for (uint i = 0; i < 8; ++i)
    sum += rows[b][y][i] * cos((2.0 * float(i) + 1.0) * float(x) * 0.19634954084936207);
  columns[b][x][y] = sum * (x == 0 ? 0.35355339059327373 : 0.5);
  barrier();
  sum = 0.0;
  for (uint i = 0; i < 8; ++i)
    sum += columns[b][x][i] * cos((2.0 * float(i) + 1.0) * float(y) * 0.19634954084936207);
  if (inside)
    to[(gl_WorkGroupID.y * (width / 8) + block) * 64 + y * 8 + x] =
        sum * (y == 0 ? 0.35355339059327373 : 0.5) / table[y * 8 + x];
}
