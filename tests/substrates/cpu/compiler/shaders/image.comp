// SPDX-License-Identifier: MIT OR Apache-2.0
#version 450
layout(local_size_x = 64) in;
layout(set = 0, binding = 0, r32f) uniform image2D target;
void main() { imageStore(target, ivec2(gl_GlobalInvocationID.xy), vec4(1)); }
