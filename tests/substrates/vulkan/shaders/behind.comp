// glslc: --target-env=vulkan1.1
// SPDX-License-Identifier: MIT OR Apache-2.0
#version 450
// Keeps inside of an array that begins behind the rest of its block.
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) buffer Data { uint n; uvec4 v[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= v.length()) return;
  v[i] += uvec4(1u);
}
