// glslc: --target-env=vulkan1.1
// SPDX-License-Identifier: MIT OR Apache-2.0
#version 450
#extension GL_EXT_buffer_reference : require
layout(local_size_x = 4) in;
layout(buffer_reference, std430, buffer_reference_align = 4) buffer Values { uint v[4]; };
layout(push_constant) uniform Push { Values values; };
void main() { values.v[gl_LocalInvocationID.x] += 5u; }
