// SPDX-License-Identifier: MIT OR Apache-2.0
#version 450
layout(local_size_x = 4, local_size_y = 8, local_size_z = 2) in;
layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) buffer Out { uint results[]; };
shared uint data[64];
void main() {
  uint l = gl_LocalInvocationIndex, i = gl_WorkGroupID.x * 64 + l;
  uvec3 id = gl_LocalInvocationID;
  data[(id.x * 8 + id.y) * 2 + id.z] = i;
  barrier();
  if (i < n) results[i] = data[l] + id.x * 1000 + id.y * 100 + id.z + a[i];
}
