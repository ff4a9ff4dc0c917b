// SPDX-License-Identifier: MIT OR Apache-2.0
// A loop of many iterations that nothing can shorten.
//   push  u32 iterations
//   0.0   out: u32[32], written: iterations done, and a hash
// Launch: 1 workgroup.
#version 450
layout(local_size_x = 16) in;

layout(push_constant) uniform Params { uint iterations; };
layout(set = 0, binding = 0) writeonly buffer Out { uint results[32]; };

void main() {
  uint lane = gl_LocalInvocationID.x, count = 0, hash = lane;
  while (count < iterations + lane) {
    hash = hash * 1664525u + 1013904223u;
    ++count;
  }
  results[lane] = count;
  results[16 + lane] = hash;
}
