// SPDX-License-Identifier: MIT OR Apache-2.0
// Double-precision floats: arithmetic, comparison, conversion, packing, matrices.
//   push  u32 n
//   0.0   a: f64[n], read   0.1   b: f64[n], read   0.2   out: f64[8 * n], written
// Launch: n threads.
#version 450
layout(local_size_x = 64) in;

layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { double a[]; };
layout(set = 0, binding = 1) readonly buffer B { double b[]; };
layout(set = 0, binding = 2) writeonly buffer Out { double results[]; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  double x = a[i], y = b[i];
  uvec2 bits = unpackDouble2x32(x);
  dmat2 turn = dmat2(x, y, -y, x);
  results[8 * i + 0] = x + y;
  results[8 * i + 1] = x * y - 1.0lf;
  results[8 * i + 2] = x / y;
  results[8 * i + 3] = sqrt(abs(x));
  results[8 * i + 4] = x < y ? floor(x) : fract(y);
  results[8 * i + 5] = double(float(x)) + double(int(y));
  results[8 * i + 6] = packDouble2x32(uvec2(bits.x, bits.y ^ 0x80000000u));
  results[8 * i + 7] = (turn * dvec2(1.0lf, 2.0lf)).x;
}
