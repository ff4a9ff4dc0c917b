// glslc: --target-env=vulkan1.1
// SPDX-License-Identifier: MIT OR Apache-2.0
#version 450
// Ends when the host writes to it. An atomic asks memory in each round, and llvmpipe ends a loop
// after 65535 of them anyway; it goes on while a lane has not left it, also one without an
// invocation, so that there are enough for all.
layout(local_size_x = 16) in;
layout(set = 0, binding = 0) buffer Flag { uint opened; };
layout(set = 0, binding = 1) buffer Out { uint v[]; };
void main() {
  for (uint i = 0; i < 65000; ++i) {
    if (atomicOr(opened, 0) != 0) break;
  }
  v[gl_WorkGroupID.x] = gl_WorkGroupID.x + 1;
}
