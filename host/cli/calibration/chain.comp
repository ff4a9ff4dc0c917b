// SPDX-License-Identifier: MIT OR Apache-2.0
// `turns` multiplications with additions for each invocation, each of which waits for the one before
// it: a processor that shares a core with another has idle units for both.
#version 450
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) buffer Out { float y[]; };
layout(push_constant) uniform Push { uint turns; } push;
void main() {
  uint i = gl_GlobalInvocationID.x;
  float a = float(i & 255u) * 0.001;
  for (uint k = 0u; k < push.turns; ++k) a = fma(a, 0.998, 0.002);
  y[i] = a;
}
