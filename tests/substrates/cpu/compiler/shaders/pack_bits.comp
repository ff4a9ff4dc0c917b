// SPDX-License-Identifier: MIT OR Apache-2.0
#version 450
#define N 128
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_shader_explicit_arithmetic_types : require
#extension GL_EXT_control_flow_attributes : enable
layout(local_size_x = 32) in;
struct B { float16_t s; uint8_t q[N / 8]; };
layout(binding = 0) readonly buffer S { float16_t s[]; };
layout(binding = 1) buffer D { B d[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  [[unroll]] for (int j = 0; j < N; ++j)
    if (float(s[i * N + j]) >= 0.0) d[i].q[j / 8] |= uint8_t(1 << (j % 8));
}
