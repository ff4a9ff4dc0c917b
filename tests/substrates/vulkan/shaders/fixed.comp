// glslc: --target-env=vulkan1.1
// SPDX-License-Identifier: MIT OR Apache-2.0
#version 450
// A block of 1 MiB, which a launch need not bind.
layout(local_size_x = 4) in;
layout(set = 0, binding = 0) readonly buffer Maybe { uint maybe[262144]; };
layout(set = 0, binding = 1) buffer Out { uint v[4]; };
void main() { v[gl_LocalInvocationID.x] = 7u + maybe[gl_LocalInvocationID.x]; }
