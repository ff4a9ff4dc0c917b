// glslc: --target-env=vulkan1.3
// SPDX-License-Identifier: MIT OR Apache-2.0
#version 450
#extension GL_KHR_shader_subgroup_basic : require
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) buffer Sizes { uint sizes[]; };
void main() { sizes[gl_GlobalInvocationID.x] = gl_SubgroupSize; }
