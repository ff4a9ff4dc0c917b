// SPDX-License-Identifier: MIT OR Apache-2.0
// Half-precision floats, stored and computed, scalars and vectors.
//   push  u32 n
//   0.0   a: f16[n], read   0.1   b: f16[n], read   0.2   out: f16[8 * n], written
// Launch: n threads.
#version 450
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
layout(local_size_x = 64) in;

layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { float16_t a[]; };
layout(set = 0, binding = 1) readonly buffer B { float16_t b[]; };
layout(set = 0, binding = 2) writeonly buffer Out { float16_t results[]; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  float16_t x = a[i], y = b[i];
  f16vec2 pair = f16vec2(x, y) * float16_t(0.5);
  results[8 * i + 0] = x + y;
  results[8 * i + 1] = x - y;
  results[8 * i + 2] = x * y;
  results[8 * i + 3] = x / y;
  results[8 * i + 4] = min(x, y);
  results[8 * i + 5] = abs(x) + pair.y;
  results[8 * i + 6] = x < y ? floor(x) : -y;
  results[8 * i + 7] = float16_t(int(x)) + sqrt(abs(y));
}
