// SPDX-License-Identifier: MIT OR Apache-2.0
// Products and sums in every shape: what becomes one operation with one rounding is to be the
// same however the kernel is compiled.
//   0.0  in: f32[n], read   0.1  out: f32[16 n], written
#version 450
layout(local_size_x = 64) in;

layout(set = 0, binding = 0) readonly buffer In { float data[]; } src;
layout(set = 0, binding = 1) writeonly buffer Out { float data[]; } dst;
layout(push_constant) uniform Push { uint n; };

shared float row[64];

float horner(float x) {
  return ((x * 0.3f + 1.7f) * x - 0.9f) * x + 0.1f;
}

void main() {
  uint i = gl_GlobalInvocationID.x;
  uint l = gl_LocalInvocationID.x;
  float a = i < n ? src.data[i] : 1.0f;
  float b = src.data[(i * 7u + 3u) % n], c = src.data[(i * 13u + 5u) % n];
  row[l] = a * b;
  barrier();
  float other = row[l ^ 5u];
  if (i >= n) return;
  vec3 u = vec3(a, b, c), v = vec3(c, a, b);
  vec4 w = vec4(u, other);
  mat3 m = mat3(u, v, u.yzx * 1.1f);
  uint o = i * 16u;
  dst.data[o] = a * b + c;
  dst.data[o + 1u] = c - a * b;
  dst.data[o + 2u] = a * b - c * other;
  // A product with two uses, one of which is no sum.
  float p = a * c;
  dst.data[o + 3u] = p + b;
  dst.data[o + 4u] = max(p, other);
  // A product that two sums take.
  float q = b * other;
  dst.data[o + 5u] = q + a;
  dst.data[o + 6u] = c - q;
  precise float exact = a * b + c;
  dst.data[o + 7u] = exact;
  dst.data[o + 8u] = horner(a) + dot(u, v);
  // Lanes leave the loop one by one; the product is made outside of it.
  float sum = 0.0f, k = a * 0.7f;
  for (uint j = 0u; j < (i & 7u) + 1u; ++j) {
    sum += src.data[(i + j) % n] * b;
    if (sum > 3.0f) sum = sum * 0.25f + k;
  }
  dst.data[o + 9u] = sum;
  float branch = a < b ? a * c + b : b * c - a;
  if (c > 0.5f) branch = branch * other + a;
  dst.data[o + 10u] = branch;
  vec3 moved = u * c + v;
  dst.data[o + 11u] = moved.x * moved.y + moved.z;
  dst.data[o + 12u] = determinant(m) + length(m * v - u);
  dst.data[o + 13u] = mix(a, b, c) + smoothstep(-2.0f, 2.0f, a) + mod(a, 0.3f);
  vec3 bent = cross(u, v) + reflect(u, normalize(v + 3.0f)) + refract(u, vec3(0, 1, 0), 0.6f);
  dst.data[o + 14u] = bent.x * bent.y - bent.z;
  double d = double(a) * double(b) + double(c);
  dst.data[o + 15u] = float(d) + float(w.x * w.y + w.z * w.w);
}
