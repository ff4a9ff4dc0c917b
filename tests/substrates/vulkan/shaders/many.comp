// glslc: --target-env=vulkan1.1
// SPDX-License-Identifier: MIT OR Apache-2.0
#version 450
layout(local_size_x = 1) in;
layout(set = 0, binding = 0) buffer Many { uint v; } many[100000];
void main() { many[gl_GlobalInvocationID.x].v = 1u; }
