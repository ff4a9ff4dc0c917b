// SPDX-License-Identifier: MIT OR Apache-2.0
// A chain of TURNS multiplications with additions for each element: 2100 are 5 % more work than
// 2000, as a slower kernel has them.
#version 450
#ifndef TURNS
#define TURNS 2000
#endif
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) buffer Out { float y[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  float a = float(i & 255u) * 0.001;
  for (int k = 0; k < TURNS; ++k) a = fma(a, 0.999, 0.001);
  y[i] = a;
}
