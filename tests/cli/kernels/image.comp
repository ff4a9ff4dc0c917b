// glslc: --target-env=vulkan1.1
// SPDX-License-Identifier: MIT OR Apache-2.0
// Needs an image, which no file can fill.
#version 450
layout(local_size_x = 1) in;
layout(set = 0, binding = 0, r32f) uniform writeonly image2D picture;
void main() { imageStore(picture, ivec2(gl_GlobalInvocationID.xy), vec4(1)); }
