// SPDX-License-Identifier: MIT OR Apache-2.0
// A table of geometric functions on vec3: out[function * n + i] of a and b.
//   push  u32 n
//   0.0   a: vec4[n], read   0.1   b: vec4[n], read   0.2   out: vec4[9 * n], written
// Functions: (length, distance, dot, 2D length) normalize cross faceforward reflect refract
// (at 0.75), and vector forms: exp2 of fract, clamp, mix.
// Launch: n threads.
#version 450
layout(local_size_x = 64) in;

layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { vec4 a[]; };
layout(set = 0, binding = 1) readonly buffer B { vec4 b[]; };
layout(set = 0, binding = 2) writeonly buffer Out { vec4 results[]; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  vec3 u = a[i].xyz, v = b[i].xyz, normal = normalize(v);
  results[0 * n + i] = vec4(length(u), distance(u, v), dot(u, v), length(u.xy));
  results[1 * n + i] = vec4(normalize(u), 0.0);
  results[2 * n + i] = vec4(cross(u, v), 0.0);
  results[3 * n + i] = vec4(faceforward(u, v, normal), 0.0);
  results[4 * n + i] = vec4(reflect(u, normal), 0.0);
  results[5 * n + i] = vec4(refract(normalize(u), normal, 0.75), 0.0);
  results[6 * n + i] = exp2(fract(a[i]));
  results[7 * n + i] = clamp(a[i], vec4(-1.0), vec4(0.5));
  results[8 * n + i] = mix(a[i], b[i], 0.25);
}
