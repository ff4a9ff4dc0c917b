// SPDX-License-Identifier: MIT OR Apache-2.0
// A table of exponential functions: out[function * n + i] of x[i] and y[i], both positive.
//   push  u32 n
//   0.0   x: f32[n], read   0.1   y: f32[n], read   0.2   out: f32[13 * n], written
// Functions: exp exp2 log log2 sqrt inversesqrt pow(x, y), then sinh cosh tanh asinh acosh
// (of 1 + x) atanh (of x / (1 + x)).
// Launch: n threads.
#version 450
layout(local_size_x = 64) in;

layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer X { float x[]; };
layout(set = 0, binding = 1) readonly buffer Y { float y[]; };
layout(set = 0, binding = 2) writeonly buffer Out { float results[]; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  float u = x[i], v = y[i];
  results[0 * n + i] = exp(v);
  results[1 * n + i] = exp2(v);
  results[2 * n + i] = log(u);
  results[3 * n + i] = log2(u);
  results[4 * n + i] = sqrt(u);
  results[5 * n + i] = inversesqrt(u);
  results[6 * n + i] = pow(u, v);
  results[7 * n + i] = sinh(v);
  results[8 * n + i] = cosh(v);
  results[9 * n + i] = tanh(v);
  results[10 * n + i] = asinh(v);
  results[11 * n + i] = acosh(1.0 + u);
  results[12 * n + i] = atanh(u / (1.0 + u));
}
