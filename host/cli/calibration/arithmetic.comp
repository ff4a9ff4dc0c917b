// SPDX-License-Identifier: MIT OR Apache-2.0
// 512 multiplications with additions, in two chains, for each element.
#version 450
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) buffer Out { float y[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  float a = float(i & 255u) * 0.001, b = a + 0.5;
  for (int k = 0; k < 256; ++k) {
    a = fma(a, 0.999, 0.001);
    b = fma(b, 0.998, 0.002);
  }
  y[i] = a + b;
}
