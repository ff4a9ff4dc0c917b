// SPDX-License-Identifier: MIT OR Apache-2.0
// Each elementary function of each element, eighteen words for each invocation.
#version 450
layout(local_size_x = 64) in;
layout(push_constant) uniform Push { uint n; };
layout(set = 0, binding = 0) readonly buffer In { vec2 values[]; };
layout(set = 0, binding = 1) writeonly buffer Out { uint results[]; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  float x = values[i].x, y = values[i].y;
  float of[18] = float[](exp(x), exp2(x), log(x), log2(x), pow(abs(x), y), sin(x), cos(x), tan(x),
                         asin(x), acos(x), atan(x), atan(x, y), sinh(x), cosh(x), tanh(x), asinh(x),
                         acosh(x), atanh(x));
  for (uint k = 0; k < 18; ++k) results[i * 18 + k] = floatBitsToUint(of[k]);
}
