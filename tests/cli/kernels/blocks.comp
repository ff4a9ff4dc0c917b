// glslc: --target-env=vulkan1.1
// SPDX-License-Identifier: MIT OR Apache-2.0
// Blocks of a fixed size, and a descriptor array.
#version 450
layout(local_size_x = 4) in;
layout(set = 0, binding = 0) uniform Scale { vec4 scale; };
layout(set = 0, binding = 1) buffer Result { vec4 result[4]; };
layout(set = 1, binding = 3) readonly buffer Term { vec4 value[4]; } terms[2];
void main() {
  uint i = gl_LocalInvocationID.x;
  result[i] = scale * (terms[0].value[i] + terms[1].value[i]);
}
