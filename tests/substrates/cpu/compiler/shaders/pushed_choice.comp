// SPDX-License-Identifier: MIT OR Apache-2.0
// An element of the push constants for those whose index is one, and a short other way.
#version 450
layout(local_size_x = 64) in;
layout(push_constant) uniform Params { uint some[4]; };
layout(set = 0, binding = 0) readonly buffer In { uint data[]; };
layout(set = 0, binding = 1) buffer Out { uint result[]; };

void main() {
  uint i = gl_GlobalInvocationID.x, at = data[i], value = 7;
  if (at < 4) value = some[at];
  result[i] = value;
}
