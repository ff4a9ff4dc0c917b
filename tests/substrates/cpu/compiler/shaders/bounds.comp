// SPDX-License-Identifier: MIT OR Apache-2.0
#version 450
layout(local_size_x = 64) in;
layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) buffer Out { uint results[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  uint sum = a[i] + a[i * 2] * 3 + a[(i * 2654435761u) >> 20] + a[gl_WorkGroupID.x * 50] + a[i - 3];
  results[i + 1] = sum + a.length() + results.length();
  if ((i & 7) == 5) results[i * 1000] = 1;
}
