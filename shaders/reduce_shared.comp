// SPDX-License-Identifier: MIT OR Apache-2.0
// Sums f32: each workgroup strides over the input and leaves one partial sum.
//   push  u32 n
//   0.0   values: f32[n], read
//   0.1   partial: f32[workgroups], written
// Launch: any number of workgroups; sum `partial` with one more workgroup.
#version 450
layout(local_size_x = 256) in;

layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer Values { float values[]; };
layout(set = 0, binding = 1) writeonly buffer Partial { float partial[]; };

shared float sums[gl_WorkGroupSize.x];

void main() {
  uint lane = gl_LocalInvocationID.x;
  uint stride = gl_NumWorkGroups.x * gl_WorkGroupSize.x;
  float sum = 0.0;
  for (uint i = gl_GlobalInvocationID.x; i < n; i += stride) sum += values[i];
  sums[lane] = sum;
  barrier();
  for (uint width = gl_WorkGroupSize.x / 2; width > 0; width /= 2) {
    if (lane < width) sums[lane] += sums[lane + width];
    barrier();
  }
  if (lane == 0) partial[gl_WorkGroupID.x] = sums[0];
}
