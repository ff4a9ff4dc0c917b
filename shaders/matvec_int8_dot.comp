// SPDX-License-Identifier: MIT OR Apache-2.0
// y = A * x in 8-bit integers, four at a time, summed exactly in i32; one workgroup a row.
//   push  u32 rows, quads          columns / 4
//   0.0   A: i8vec4[rows * quads], read   0.1  x: i8vec4[quads], read   0.2  y: i32[rows], written
// Launch: `rows` workgroups.
#version 450
#extension GL_EXT_shader_8bit_storage : require
layout(local_size_x = 64) in;

layout(push_constant) uniform Params { uint rows, quads; };
layout(set = 0, binding = 0) readonly buffer A { i8vec4 a[]; };
layout(set = 0, binding = 1) readonly buffer X { i8vec4 x[]; };
layout(set = 0, binding = 2) writeonly buffer Y { int y[]; };

shared int sums[gl_WorkGroupSize.x];

void main() {
  uint row = gl_WorkGroupID.x, lane = gl_LocalInvocationID.x;
  if (row >= rows) return;
  int sum = 0;
  for (uint i = lane; i < quads; i += gl_WorkGroupSize.x) {
    ivec4 products = ivec4(a[row * quads + i]) * ivec4(x[i]);
    sum += products.x + products.y + products.z + products.w;
  }
  sums[lane] = sum;
  barrier();
  for (uint width = gl_WorkGroupSize.x / 2; width > 0; width /= 2) {
    if (lane < width) sums[lane] += sums[lane + width];
    barrier();
  }
  if (lane == 0) y[row] = sums[0];
}
