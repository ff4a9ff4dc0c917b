#version 450
// SPDX-License-Identifier: MIT OR Apache-2.0
layout(local_size_x = 12) in;
layout(std430, binding = 0) buffer Out { uint result[]; };
layout(push_constant) uniform Push { uint turn; };
shared uint value[12];
void main() {
  uint l = gl_LocalInvocationIndex;
  uint x = l;
  if (gl_WorkGroupID.x % 2u == turn) {
    value[l] = l * l;
    barrier();
    x = value[11u - l];
  } else if (turn == 0u) {
    value[11u - l] = l + 5u;
    barrier();
    x = value[l];
  }
  result[gl_GlobalInvocationID.x] = x;
}
