// SPDX-License-Identifier: MIT OR Apache-2.0
// One binding as an array of any length, as one of three buffers, and as one buffer.
#version 450
#extension GL_EXT_nonuniform_qualifier : require
layout(local_size_x = 8) in;
layout(push_constant) uniform Params { uint last; };
layout(set = 0, binding = 0) buffer Out { uint result[]; };
layout(set = 0, binding = 1) buffer Any { uint any[]; } a[];
layout(set = 0, binding = 1) readonly buffer Three { uint three[]; } b[3];
layout(set = 0, binding = 1) readonly buffer One { uint one[]; } c;
layout(set = 0, binding = 2) readonly buffer Other { uint other[]; };

void main() {
  uint i = gl_LocalInvocationID.x;
  result[i * 6] = a[nonuniformEXT(i)].any[0];
  result[i * 6 + 1] = b[nonuniformEXT(min(i, 2))].three[1];
  result[i * 6 + 2] = b[2].three[i % 4];
  result[i * 6 + 3] = b[last].three[2] + b[last].three.length();
  result[i * 6 + 4] = c.one[i % 4] + c.one.length();
  result[i * 6 + 5] = other[i % 4];
}
