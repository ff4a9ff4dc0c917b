// SPDX-License-Identifier: MIT OR Apache-2.0
// Each workgroup reads `turns` times 64 floats in a row, one workgroup behind the other, and around
// again where the array ends. `mask`: its elements, a power of two, less one.
#version 450
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) buffer Out { float y[]; };
layout(set = 0, binding = 1) readonly buffer In { float x[]; };
layout(push_constant) uniform Push { uint turns, mask; } push;
void main() {
  uint from = gl_WorkGroupID.x * push.turns * 64u + gl_LocalInvocationID.x;
  float sum = 0.0;
  for (uint k = 0u; k < push.turns; ++k) sum += x[(from + k * 64u) & push.mask];
  y[gl_GlobalInvocationID.x] = sum;
}
