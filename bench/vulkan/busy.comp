// glslc: --target-env=vulkan1.1
// SPDX-License-Identifier: MIT OR Apache-2.0
#version 450
// A kernel that computes and hardly touches memory, for as long as it is told.
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) buffer Values { uint v[]; };
layout(push_constant) uniform Push { uint rounds; };
void main() {
  uint x = v[gl_GlobalInvocationID.x];
  for (uint i = 0; i < rounds; ++i) x = x * 1664525u + 1013904223u;
  v[gl_GlobalInvocationID.x] = x;
}
