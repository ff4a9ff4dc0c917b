// SPDX-License-Identifier: MIT OR Apache-2.0
// Counts byte values straight into the result.
//   push  u32 n                 words of four bytes
//   0.0   words: u32[n], read
//   0.1   bins: u32[256], added to
// Launch: n threads.
#version 450
layout(local_size_x = 256) in;

layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer Words { uint words[]; };
layout(set = 0, binding = 1) buffer Bins { uint bins[256]; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  uint word = words[i];
  atomicAdd(bins[word & 255], 1);
  atomicAdd(bins[(word >> 8) & 255], 1);
  atomicAdd(bins[(word >> 16) & 255], 1);
  atomicAdd(bins[word >> 24], 1);
}
