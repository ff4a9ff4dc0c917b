#version 450
// SPDX-License-Identifier: MIT OR Apache-2.0
// An index whose byte offset wraps around 2^32 is out of bounds, not inside.
layout(local_size_x = 16) in;
layout(std430, binding = 0) readonly buffer In { uvec4 data[]; };
layout(std430, binding = 1) buffer Out { uint result[]; };
layout(push_constant) uniform Push { uint wrap; };
void main() {
  uint i = gl_LocalInvocationIndex;
  result[i] = data[i % 2u == 0u ? i / 2u : i / 2u + wrap].y;
}
