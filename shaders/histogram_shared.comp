// SPDX-License-Identifier: MIT OR Apache-2.0
// Counts byte values: each workgroup counts in shared memory, then adds to the result.
//   push  u32 n                 words of four bytes
//   0.0   words: u32[n], read
//   0.1   bins: u32[256], added to
// Launch: any number of workgroups.
#version 450
layout(local_size_x = 256) in;

layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer Words { uint words[]; };
layout(set = 0, binding = 1) buffer Bins { uint bins[256]; };

shared uint counts[256];

void main() {
  uint lane = gl_LocalInvocationID.x;
  counts[lane] = 0;
  barrier();
  uint stride = gl_NumWorkGroups.x * gl_WorkGroupSize.x;
  for (uint i = gl_GlobalInvocationID.x; i < n; i += stride) {
    uint word = words[i];
    atomicAdd(counts[word & 255], 1);
    atomicAdd(counts[(word >> 8) & 255], 1);
    atomicAdd(counts[(word >> 16) & 255], 1);
    atomicAdd(counts[word >> 24], 1);
  }
  barrier();
  if (counts[lane] != 0) atomicAdd(bins[lane], counts[lane]);
}
