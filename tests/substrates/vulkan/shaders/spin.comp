// glslc: --target-env=vulkan1.1
// SPDX-License-Identifier: MIT OR Apache-2.0
#version 450
layout(local_size_x = 1) in;
// Long by its number of workgroups: llvmpipe ends a loop after 65535 rounds.
layout(set = 0, binding = 0) buffer Out { uint v[]; };
layout(push_constant) uniform Push { uint rounds; };
void main() {
  uint h = gl_WorkGroupID.x;
  for (uint i = 0; i < rounds; ++i) h = h * 1664525u + 1013904223u;
  v[gl_WorkGroupID.x] = h;
}
