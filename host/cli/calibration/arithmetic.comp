// SPDX-License-Identifier: MIT OR Apache-2.0
// `turns` times four multiplications with additions for each invocation, in chains of their own that
// keep the units busy.
#version 450
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) buffer Out { float y[]; };
layout(push_constant) uniform Push { uint turns; } push;
void main() {
  uint i = gl_GlobalInvocationID.x;
  float a = float(i & 255u) * 0.001, b = a + 0.5, c = a + 1.5, d = a + 2.5;
  for (uint k = 0u; k < push.turns; ++k) {
    a = fma(a, 0.999, 0.001);
    b = fma(b, 0.998, 0.002);
    c = fma(c, 0.997, 0.003);
    d = fma(d, 0.996, 0.004);
  }
  y[i] = (a + b) + (c + d);
}
