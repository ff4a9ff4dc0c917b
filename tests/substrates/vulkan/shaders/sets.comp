// glslc: --target-env=vulkan1.1
// SPDX-License-Identifier: MIT OR Apache-2.0
#version 450
layout(local_size_x = 4) in;
layout(constant_id = 5) const uint kScale = 1;
layout(set = 0, binding = 3) readonly buffer In { uint v[]; } inputs[3];
layout(set = 2, binding = 1) uniform Offsets { uvec4 offset; };
layout(set = 3, binding = 0) writeonly buffer Out { uint result[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  result[i] = kScale * (inputs[0].v[i] + 10u * inputs[1].v[i] + 100u * inputs[2].v[i]) + offset[i & 3u];
}
