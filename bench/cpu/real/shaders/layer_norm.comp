// SPDX-License-Identifier: MIT OR Apache-2.0
// y = (x - mean) / sqrt(variance + epsilon) * weight + bias of each row, by subgroups.
//   0.0  x: f32[rows * columns], read  0.1  weight and bias: vec2[columns], read  0.2  y, written
// Launch: one workgroup a row.
#version 450
#extension GL_KHR_shader_subgroup_arithmetic : require
layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0) readonly buffer X { float x[]; };
layout(set = 0, binding = 1) readonly buffer G { vec2 affine[]; };
layout(set = 0, binding = 2) writeonly buffer Y { float y[]; };
layout(push_constant) uniform Parameters { uint columns; float epsilon; };
shared vec2 part[64];

void main() {
  const uint lane = gl_LocalInvocationID.x, row = gl_WorkGroupID.x * columns;
  vec2 sum = vec2(0);
  for (uint i = lane; i < columns; i += gl_WorkGroupSize.x) {
    const float v = x[row + i];
    sum += vec2(v, v * v);
  }
  sum = subgroupAdd(sum);
  if (subgroupElect()) part[gl_SubgroupID] = sum;
  barrier();
  sum = vec2(0);
  for (uint i = 0; i < gl_NumSubgroups; ++i) sum += part[i];
  const float mean = sum.x / columns;
  const float by = inversesqrt(max(sum.y / columns - mean * mean, 0.0) + epsilon);
  for (uint i = lane; i < columns; i += gl_WorkGroupSize.x)
    y[row + i] = fma((x[row + i] - mean) * by, affine[i].x, affine[i].y);
}
