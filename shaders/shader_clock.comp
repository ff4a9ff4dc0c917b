// SPDX-License-Identifier: MIT OR Apache-2.0
// The subgroup's clock does not go back.
//   0.0   out: u32[64], written: 1 each
// Launch: 64 threads.
#version 450
#extension GL_ARB_shader_clock : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) writeonly buffer Out { uint results[]; };

void main() {
  uint64_t before = clockARB();
  barrier();
  uint64_t after = clockARB();
  results[gl_LocalInvocationIndex] = after >= before ? 1 : 0;
}
