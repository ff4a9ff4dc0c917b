// SPDX-License-Identifier: MIT OR Apache-2.0
// A table of the float functions with one exact answer: function y of input x.
//   push  u32 n
//   0.0   x: f32[n], read   0.1   out: f32[11 * n], written: out[function * n + i]
// Functions: abs sign floor ceil trunc fract roundEven modf (fraction, whole) frexp
// (significand, exponent).
// Launch: n x 1 threads.
#version 450
layout(local_size_x = 64) in;

layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer X { float x[]; };
layout(set = 0, binding = 1) writeonly buffer Out { float results[]; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  float v = x[i], whole;
  int exponent;
  results[0 * n + i] = abs(v);
  results[1 * n + i] = sign(v);
  results[2 * n + i] = floor(v);
  results[3 * n + i] = ceil(v);
  results[4 * n + i] = trunc(v);
  results[5 * n + i] = fract(v);
  results[6 * n + i] = roundEven(v);
  results[7 * n + i] = modf(v, whole);
  results[8 * n + i] = whole;
  results[9 * n + i] = frexp(v, exponent);
  results[10 * n + i] = float(exponent);
}
