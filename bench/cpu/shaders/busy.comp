// SPDX-License-Identifier: MIT OR Apache-2.0
#version 450
// Arithmetic only: `steps` of it in each invocation, `more` times as many in the last half.
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) buffer Data { float data[]; };
layout(push_constant) uniform Push { uint steps; uint more; };
void main() {
  uint n = gl_WorkGroupID.x * 2 >= gl_NumWorkGroups.x ? steps * more : steps;
  float x = data[gl_GlobalInvocationID.x];
  for (uint i = 0; i < n; ++i) x = fma(x, 0.999, 0.001);
  data[gl_GlobalInvocationID.x] = x;
}
