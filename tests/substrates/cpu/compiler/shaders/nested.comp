// glslc: -O0
// SPDX-License-Identifier: MIT OR Apache-2.0
// A hundred selections inside one another, at none of which it is likely that invocations part. Code
// that is made twice at each of them is made a hundred times.
#version 450
layout(local_size_x = 64) in;
layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) buffer Out { uint results[]; };
#define IN(k) if (i >= k) { r += a[i];
#define IN10(t) IN(t) IN(t + 1) IN(t + 2) IN(t + 3) IN(t + 4) IN(t + 5) IN(t + 6) IN(t + 7) \
  IN(t + 8) IN(t + 9)
#define OUT10 }}}}}}}}}}
void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  uint r = 0;
  IN10(0) IN10(10) IN10(20) IN10(30) IN10(40) IN10(50) IN10(60) IN10(70) IN10(80) IN10(90)
  r ^= 5;
  OUT10 OUT10 OUT10 OUT10 OUT10 OUT10 OUT10 OUT10 OUT10 OUT10
  results[i] = r;
}
