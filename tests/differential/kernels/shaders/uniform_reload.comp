#version 450
// SPDX-License-Identifier: MIT OR Apache-2.0
// The address is the same for all, the value is not: others write between the reads.
layout(local_size_x = 64) in;
layout(std430, binding = 0) buffer Out { uint result[]; };
shared uint baton;
void main() {
  uint l = gl_LocalInvocationIndex;
  uint sum = 0u;
  for (uint turn = 0u; turn < 8u; ++turn) {
    if (l == turn * 8u) baton = turn * 10u + 1u;
    barrier();
    sum = sum * 3u + baton;
    barrier();
  }
  result[gl_GlobalInvocationID.x] = sum;
}
