// SPDX-License-Identifier: MIT OR Apache-2.0
// Adds to each block of 512 the prefix sum of the totals before it (see scan).
//   push  u32 n
//   0.0   sums: u32[n], read and written
//   0.1   offsets: u32[ceil(n / 512)], read
// Launch: n threads.
#version 450
layout(local_size_x = 256) in;

layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) buffer Sums { uint sums[]; };
layout(set = 0, binding = 1) readonly buffer Offsets { uint offsets[]; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i < n) sums[i] += offsets[i / 512];
}
