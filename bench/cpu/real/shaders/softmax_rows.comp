// SPDX-License-Identifier: MIT OR Apache-2.0
// y = softmax(scale * x + mask) of each row.
//   0.0  x: f32[rows * columns], read  0.1  mask: f32[columns], read  0.2  y: f32, written
// Launch: one workgroup a row.
#version 450
layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0) readonly buffer X { float x[]; };
layout(set = 0, binding = 1) readonly buffer M { float mask[]; };
layout(set = 0, binding = 2) writeonly buffer Y { float y[]; };
layout(push_constant) uniform Parameters { uint columns; float scale; };
shared float part[gl_WorkGroupSize.x];

void main() {
  const uint lane = gl_LocalInvocationID.x, row = gl_WorkGroupID.x * columns;
  const uint size = gl_WorkGroupSize.x;
  float most = -1e30;
  for (uint i = lane; i < columns; i += size) most = max(most, fma(x[row + i], scale, mask[i]));
  part[lane] = most;
  barrier();
  for (uint s = size / 2; s > 0; s >>= 1) {
    if (lane < s) part[lane] = max(part[lane], part[lane + s]);
    barrier();
  }
  most = part[0];
  barrier();
  float sum = 0.0;
  for (uint i = lane; i < columns; i += size) {
    const float e = exp(fma(x[row + i], scale, mask[i]) - most);
    sum += e;
    y[row + i] = e;
  }
  part[lane] = sum;
  barrier();
  for (uint s = size / 2; s > 0; s >>= 1) {
    if (lane < s) part[lane] += part[lane + s];
    barrier();
  }
  const float by = 1.0 / part[0];
  for (uint i = lane; i < columns; i += size)
    y[row + i] = exp(fma(x[row + i], scale, mask[i]) - most) * by;
}
