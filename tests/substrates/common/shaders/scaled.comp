// SPDX-License-Identifier: MIT OR Apache-2.0
// What is said of a kernel when it is prepared is seen in what it writes.
#version 450
layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint factor = 3;
layout(push_constant) uniform Push { uint added; };
layout(set = 0, binding = 0) buffer Out { uint results[]; };
void main() {
  const uint i = gl_GlobalInvocationID.x;
  if (i < results.length()) results[i] = factor * gl_WorkGroupSize.x + added;
}
