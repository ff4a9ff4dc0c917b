// SPDX-License-Identifier: MIT OR Apache-2.0
// A chain of TURNS multiplications with additions for each element: 2100 are 5 % more work than
// 2000, as a slower kernel has them. WIDE more are for substrates whose subgroups have 32 invocations
// or more only, as `cpu` has them and lavapipe has not: there, one substrate is slower than it was.
#version 450
#extension GL_KHR_shader_subgroup_basic : require
#ifndef TURNS
#define TURNS 2000
#endif
#ifndef WIDE
#define WIDE 0
#endif
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) buffer Out { float y[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  float a = float(i & 255u) * 0.001;
#if WIDE
  const int turns = TURNS + (gl_SubgroupSize >= 32 ? WIDE : 0);
#else
  const int turns = TURNS;
#endif
  for (int k = 0; k < turns; ++k) a = fma(a, 0.999, 0.001);
  y[i] = a;
}
