// SPDX-License-Identifier: MIT OR Apache-2.0
// About 2 KB of ordinary code: a loop, branches, a few functions, a barrier. The marker
// constant is replaced to make a module that nobody has compiled.
//   0.0   words: u32[64], read   0.1  result: u32[64], written
// Launch: one workgroup.
#version 450
layout(local_size_x = 64) in;

layout(set = 0, binding = 0) readonly buffer Words { uint words[]; };
layout(set = 0, binding = 1) writeonly buffer Result { uint result[]; };

shared uint neighbours[gl_WorkGroupSize.x];

void main() {
  uint lane = gl_LocalInvocationID.x;
  uint state = words[gl_GlobalInvocationID.x] ^ 0x5EED5EEDu;
  float sum = 0.0;
  for (uint i = 0; i < (state & 15) + 1; ++i) {
    state = state * 1664525u + 1013904223u;
    float value = float(state >> 8) * 5.9604645e-8;
    if (value < 0.5) sum += sqrt(value);
    else sum -= value * value;
  }
  neighbours[lane] = state;
  barrier();
  result[gl_GlobalInvocationID.x] = neighbours[lane ^ 1] + floatBitsToUint(sum);
}
