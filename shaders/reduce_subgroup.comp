// SPDX-License-Identifier: MIT OR Apache-2.0
// Sums f32 like reduce_shared, with subgroup arithmetic and one barrier.
//   push  u32 n
//   0.0   values: f32[n], read
//   0.1   partial: f32[workgroups], written
// Launch: any number of workgroups; sum `partial` with one more workgroup.
#version 450
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_arithmetic : require
layout(local_size_x = 256) in;

layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer Values { float values[]; };
layout(set = 0, binding = 1) writeonly buffer Partial { float partial[]; };

shared float sums[gl_WorkGroupSize.x];  // one a subgroup; a subgroup has at least one lane

void main() {
  uint stride = gl_NumWorkGroups.x * gl_WorkGroupSize.x;
  float sum = 0.0;
  for (uint i = gl_GlobalInvocationID.x; i < n; i += stride) sum += values[i];
  sum = subgroupAdd(sum);
  if (subgroupElect()) sums[gl_SubgroupID] = sum;
  barrier();
  if (gl_SubgroupID != 0) return;
  sum = 0.0;
  for (uint i = gl_SubgroupInvocationID; i < gl_NumSubgroups; i += gl_SubgroupSize) sum += sums[i];
  sum = subgroupAdd(sum);
  if (subgroupElect()) partial[gl_WorkGroupID.x] = sum;
}
