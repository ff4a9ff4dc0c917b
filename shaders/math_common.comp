// SPDX-License-Identifier: MIT OR Apache-2.0
// A table of float functions of several arguments: out[function * n + i] of a, b, c.
//   push  u32 n
//   0.0   a: f32[n], read   0.1   b: f32[n], read   0.2   c: f32[n], read
//   0.3   out: f32[12 * n], written
// Functions: min max clamp(a, b, b + |c|) mix step smoothstep(b, b + 1 + |c|, a) fma
// mod(a, 1 + |b|) ldexp(a, i % 16 - 8) round a/b (b of at least 1) -a*b.
// Launch: n threads.
#version 450
layout(local_size_x = 64) in;

layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { float a[]; };
layout(set = 0, binding = 1) readonly buffer B { float b[]; };
layout(set = 0, binding = 2) readonly buffer C { float c[]; };
layout(set = 0, binding = 3) writeonly buffer Out { float results[]; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  float x = a[i], y = b[i], z = c[i];
  results[0 * n + i] = min(x, y);
  results[1 * n + i] = max(x, y);
  results[2 * n + i] = clamp(x, y, y + abs(z));
  results[3 * n + i] = mix(x, y, z);
  results[4 * n + i] = step(x, y);
  results[5 * n + i] = smoothstep(y, y + 1.0 + abs(z), x);
  results[6 * n + i] = fma(x, y, z);
  results[7 * n + i] = mod(x, 1.0 + abs(y));
  results[8 * n + i] = ldexp(x, int(i % 16) - 8);
  results[9 * n + i] = round(x);
  results[10 * n + i] = x / (abs(y) + 1.0);
  results[11 * n + i] = -x * y;
}
