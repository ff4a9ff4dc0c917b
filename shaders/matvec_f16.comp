// SPDX-License-Identifier: MIT OR Apache-2.0
// y = A * x with A and x in half precision, summed in f32; one workgroup a row.
//   push  u32 rows, columns
//   0.0   A: f16[rows * columns], read   0.1  x: f16[columns], read   0.2  y: f32[rows], written
// Launch: `rows` workgroups.
#version 450
#extension GL_EXT_shader_16bit_storage : require
layout(local_size_x = 64) in;

layout(push_constant) uniform Params { uint rows, columns; };
layout(set = 0, binding = 0) readonly buffer A { float16_t a[]; };
layout(set = 0, binding = 1) readonly buffer X { float16_t x[]; };
layout(set = 0, binding = 2) writeonly buffer Y { float y[]; };

shared float sums[gl_WorkGroupSize.x];

void main() {
  uint row = gl_WorkGroupID.x, lane = gl_LocalInvocationID.x;
  if (row >= rows) return;
  float sum = 0.0;
  for (uint i = lane; i < columns; i += gl_WorkGroupSize.x) {
    sum += float(a[row * columns + i]) * float(x[i]);
  }
  sums[lane] = sum;
  barrier();
  for (uint width = gl_WorkGroupSize.x / 2; width > 0; width /= 2) {
    if (lane < width) sums[lane] += sums[lane + width];
    barrier();
  }
  if (lane == 0) y[row] = sums[0];
}
