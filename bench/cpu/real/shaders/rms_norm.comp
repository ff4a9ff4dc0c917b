// SPDX-License-Identifier: MIT OR Apache-2.0
// y = x / rms(x) * weight of each row.
//   0.0  x: f32[rows * columns], read  0.1  weight: f32[columns], read  0.2  y: f32, written
// Launch: one workgroup a row.
#version 450
layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0) readonly buffer X { float x[]; };
layout(set = 0, binding = 1) readonly buffer G { float weight[]; };
layout(set = 0, binding = 2) writeonly buffer Y { float y[]; };
layout(push_constant) uniform Parameters { uint columns; uint weights; float epsilon; };
shared float part[gl_WorkGroupSize.x];

void main() {
  const uint lane = gl_LocalInvocationID.x, row = gl_WorkGroupID.x * columns;
  float sum = 0.0;
  for (uint i = lane; i < columns; i += gl_WorkGroupSize.x) {
    const float v = x[row + i];
    sum = fma(v, v, sum);
  }
  part[lane] = sum;
  barrier();
  for (uint s = gl_WorkGroupSize.x / 2; s > 0; s >>= 1) {
    if (lane < s) part[lane] += part[lane + s];
    barrier();
  }
  const float by = inversesqrt(part[0] / float(columns) + epsilon);
  for (uint i = lane; i < columns; i += gl_WorkGroupSize.x)
    y[row + i] = by * x[row + i] * weight[i % weights];
}
