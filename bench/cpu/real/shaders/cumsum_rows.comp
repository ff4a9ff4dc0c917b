// SPDX-License-Identifier: MIT OR Apache-2.0
// The running sums of each row, by subgroup scans.
//   0.0  x: f32[rows * columns], read  0.1  y: the same, written
// Launch: one workgroup a row.
#version 450
#extension GL_KHR_shader_subgroup_arithmetic : require
layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(constant_id = 1) const uint EACH = 4;
layout(set = 0, binding = 0) readonly buffer X { float x[]; };
layout(set = 0, binding = 1) writeonly buffer Y { float y[]; };
layout(push_constant) uniform Parameters { uint columns; };
shared float totals[128];

void main() {
  const uint lane = gl_LocalInvocationID.x, row = gl_WorkGroupID.x * columns;
  float before = 0.0;
  for (uint block = 0; block < columns; block += gl_WorkGroupSize.x * EACH) {
    float mine[EACH];
    float sum = 0.0;
    for (uint i = 0; i < EACH; ++i) {
      const uint at = block + lane * EACH + i;
      sum += at < columns ? x[row + at] : 0.0;
      mine[i] = sum;
    }
    const float through = subgroupInclusiveAdd(sum);
    if (gl_SubgroupInvocationID == gl_SubgroupSize - 1) totals[gl_SubgroupID] = through;
    barrier();
    float offset = before + through - sum, all = 0.0;
    for (uint s = 0; s < gl_NumSubgroups; ++s) {
      if (s < gl_SubgroupID) offset += totals[s];
      all += totals[s];
    }
    before += all;
    barrier();
    for (uint i = 0; i < EACH; ++i) {
      const uint at = block + lane * EACH + i;
      if (at < columns) y[row + at] = offset + mine[i];
    }
  }
}
