// SPDX-License-Identifier: MIT OR Apache-2.0
// How often each digit of 8 bits occurs in each workgroup's part of the keys.
//   0.0  keys: u32[n], read  0.1  counts: u32[256][groups], written
// Launch: groups workgroups.
#version 450
layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0) readonly buffer K { uint keys[]; };
layout(set = 0, binding = 1) writeonly buffer C { uint counts[]; };
layout(push_constant) uniform Parameters { uint n, shift, each; };
shared uint bins[256];

void main() {
  const uint lane = gl_LocalInvocationID.x, size = gl_WorkGroupSize.x;
  for (uint i = lane; i < 256; i += size) bins[i] = 0;
  barrier();
  const uint first = gl_WorkGroupID.x * each, last = min(n, first + each);
  for (uint i = first + lane; i < last; i += size) atomicAdd(bins[keys[i] >> shift & 255], 1);
  barrier();
  for (uint i = lane; i < 256; i += size) counts[i * gl_NumWorkGroups.x + gl_WorkGroupID.x] = bins[i];
}
