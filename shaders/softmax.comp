// SPDX-License-Identifier: MIT OR Apache-2.0
// Softmax of each row, in the stable form: exp(x - max) / sum; one workgroup a row.
//   push  u32 columns
//   0.0   x: f32[rows * columns], read   0.1  y: f32[rows * columns], written
// Launch: `rows` workgroups.
#version 450
layout(local_size_x = 64) in;

layout(push_constant) uniform Params { uint columns; };
layout(set = 0, binding = 0) readonly buffer X { float x[]; };
layout(set = 0, binding = 1) writeonly buffer Y { float y[]; };

shared float lanes[gl_WorkGroupSize.x];

// Every lane's answer is the largest (or the sum) of all lanes.
float all_max(float value) {
  uint lane = gl_LocalInvocationID.x;
  lanes[lane] = value;
  barrier();
  for (uint width = gl_WorkGroupSize.x / 2; width > 0; width /= 2) {
    if (lane < width) lanes[lane] = max(lanes[lane], lanes[lane + width]);
    barrier();
  }
  float result = lanes[0];
  barrier();
  return result;
}

float all_sum(float value) {
  uint lane = gl_LocalInvocationID.x;
  lanes[lane] = value;
  barrier();
  for (uint width = gl_WorkGroupSize.x / 2; width > 0; width /= 2) {
    if (lane < width) lanes[lane] += lanes[lane + width];
    barrier();
  }
  float result = lanes[0];
  barrier();
  return result;
}

void main() {
  uint base = gl_WorkGroupID.x * columns, lane = gl_LocalInvocationID.x;
  float largest = uintBitsToFloat(0xFF800000u);
  for (uint i = lane; i < columns; i += gl_WorkGroupSize.x) largest = max(largest, x[base + i]);
  largest = all_max(largest);
  float sum = 0.0;
  for (uint i = lane; i < columns; i += gl_WorkGroupSize.x) sum += exp(x[base + i] - largest);
  sum = all_sum(sum);
  for (uint i = lane; i < columns; i += gl_WorkGroupSize.x) {
    y[base + i] = exp(x[base + i] - largest) / sum;
  }
}
