// SPDX-License-Identifier: MIT OR Apache-2.0
// C = A * B, row-major f32, one invocation an element.
//   push  u32 m, n, k     A is m x k, B is k x n, C is m x n
//   0.0   A, read   0.1  B, read   0.2  C, written
// Launch: n x m threads.
#version 450
layout(local_size_x = 16, local_size_y = 16) in;

layout(push_constant) uniform Params { uint m, n, k; };
layout(set = 0, binding = 0) readonly buffer A { float a[]; };
layout(set = 0, binding = 1) readonly buffer B { float b[]; };
layout(set = 0, binding = 2) writeonly buffer C { float c[]; };

void main() {
  uint col = gl_GlobalInvocationID.x, row = gl_GlobalInvocationID.y;
  if (row >= m || col >= n) return;
  float sum = 0.0;
  for (uint i = 0; i < k; ++i) sum += a[row * k + i] * b[i * n + col];
  c[row * n + col] = sum;
}
