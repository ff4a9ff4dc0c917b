// SPDX-License-Identifier: MIT OR Apache-2.0
// Vectors: swizzles, components chosen at run time, comparison, selection, conversion, products.
//   push  u32 n
//   0.0   a: ivec4[n], read   0.1   out: ivec4[6 * n], written
// Launch: n threads.
#version 450
layout(local_size_x = 64) in;

layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { ivec4 a[]; };
layout(set = 0, binding = 1) writeonly buffer Out { ivec4 results[]; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  ivec4 x = a[i], y = a[(i + 1) % n];
  ivec4 dynamic = x;
  dynamic[y.x & 3] = y[x.w & 3];
  bvec4 less = lessThan(x, y);
  results[6 * i + 0] = x.wzyx + y.xxzz;
  results[6 * i + 1] = dynamic;
  results[6 * i + 2] = mix(x, y, less);
  results[6 * i + 3] = ivec4(any(less), all(less), any(equal(x.xy, y.yx)), x == y);
  results[6 * i + 4] = ivec4(uvec4(x) >> 3u) ^ ivec4(-vec4(x & 0xFFFF) * 0.5);
  x.yz = y.wx;
  x.w |= int(dot(vec3(y.xyz & 255), vec3(1.0, 2.0, 3.0)));
  results[6 * i + 5] = x;
}
