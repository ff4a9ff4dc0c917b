// glslc: --target-env=vulkan1.1
// SPDX-License-Identifier: MIT OR Apache-2.0
#version 450
// Keeps inside of its buffers by itself, where they hold all that it declares.
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) readonly buffer Table { uint factors[64]; };
layout(set = 0, binding = 1) buffer Data { uint v[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= v.length()) return;
  v[i] *= factors[gl_LocalInvocationIndex];
}
