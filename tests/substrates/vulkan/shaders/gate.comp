// glslc: --target-env=vulkan1.1
// SPDX-License-Identifier: MIT OR Apache-2.0
#version 450
// Ends when the host writes to it. An atomic asks memory in each round, and llvmpipe ends a loop
// after 65535 of them anyway; it goes on while a lane has not left it, also one without an
// invocation, so that there are enough for all.
layout(local_size_x = 16) in;
// Hardware is through with one round within 100 ms, and need not see what the host writes meanwhile: an
// H200 does not. There it ends by itself, after more rounds.
layout(constant_id = 0) const uint kRounds = 1;
layout(set = 0, binding = 0) buffer Flag { uint opened; };
layout(set = 0, binding = 1) buffer Out { uint v[]; };
void main() {
  bool is_open = false;
  for (uint round = 0; round < kRounds && !is_open; ++round) {
    for (uint i = 0; i < 65000 && !is_open; ++i) is_open = atomicOr(opened, 0) != 0;
  }
  v[gl_WorkGroupID.x] = gl_WorkGroupID.x + 1;
}
