// SPDX-License-Identifier: MIT OR Apache-2.0
// Parts of elements, the last of which ends where the memory does: what lies between the parts of
// a row lies behind them, too.
#version 450
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) readonly buffer Pairs { vec2 pairs[]; };
layout(set = 0, binding = 1) readonly buffer Threes { vec3 threes[]; };
layout(set = 0, binding = 2) buffer Out { vec4 result[]; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  result[i] = vec4(pairs[i].y, threes[i].z, threes[i].y, pairs[i].x);
}
