// SPDX-License-Identifier: MIT OR Apache-2.0
// y[i] = a * x[i] + y[i] for i < n.
//   push  u32 n, f32 a
//   0.0   x: f32[n], read
//   0.1   y: f32[n], read and written
// Launch: n threads.
#version 450
layout(local_size_x = 256) in;

layout(push_constant) uniform Params { uint n; float a; };
layout(set = 0, binding = 0) readonly buffer X { float x[]; };
layout(set = 0, binding = 1) buffer Y { float y[]; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i < n) y[i] = a * x[i] + y[i];
}
