// glslc: --target-env=vulkan1.1
// SPDX-License-Identifier: MIT OR Apache-2.0
// Shared memory whose size two specialization constants decide; on their own they decide for none.
#version 450
layout(local_size_x = 32) in;
layout(constant_id = 0) const uint kBytes = 2;
layout(constant_id = 1) const uint kElement = 4;
layout(set = 0, binding = 0) buffer D { uint d[]; };
shared uint s[kBytes / kElement];
void main() {
  uint i = gl_LocalInvocationID.x;
  s[i] = d[i] + kBytes;
  barrier();
  d[i] = s[(i + 1u) % (kBytes / kElement)];
}
