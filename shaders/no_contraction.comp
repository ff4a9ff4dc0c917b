// SPDX-License-Identifier: MIT OR Apache-2.0
// `precise` forbids fusing a multiplication with an addition: x * x - y is exactly 0 where
// y is the rounded square.
//   push  u32 n
//   0.0   x: f32[n], read   0.1   squares: f32[n], read: x * x rounded to f32
//   0.2   out: f32[n], written: all 0
// Launch: n threads.
#version 450
layout(local_size_x = 64) in;

layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer X { float x[]; };
layout(set = 0, binding = 1) readonly buffer Squares { float squares[]; };
layout(set = 0, binding = 2) writeonly buffer Out { float results[]; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  precise float difference = x[i] * x[i] - squares[i];
  results[i] = difference;
}
