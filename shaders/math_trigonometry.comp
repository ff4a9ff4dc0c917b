// SPDX-License-Identifier: MIT OR Apache-2.0
// A table of trigonometric functions: out[function * n + i] of x[i] in [-pi, pi] and y[i].
//   push  u32 n
//   0.0   x: f32[n], read   0.1   y: f32[n], read   0.2   out: f32[9 * n], written
// Functions: sin cos tan asin(x / pi) acos(x / pi) atan(y) atan(y, x) radians degrees.
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
  float u = x[i], v = y[i], unit = u * 0.31830988;
  results[0 * n + i] = sin(u);
  results[1 * n + i] = cos(u);
  results[2 * n + i] = tan(u);
  results[3 * n + i] = asin(unit);
  results[4 * n + i] = acos(unit);
  results[5 * n + i] = atan(v);
  results[6 * n + i] = atan(v, u);
  results[7 * n + i] = radians(v);
  results[8 * n + i] = degrees(v);
}
