// glslc: --target-env=vulkan1.1
// SPDX-License-Identifier: MIT OR Apache-2.0
#version 450
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) buffer Values { uint v[]; };
layout(push_constant) uniform Push { uint n; };
void main() { v[gl_GlobalInvocationID.x] += n; }
