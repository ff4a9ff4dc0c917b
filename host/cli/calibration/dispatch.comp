// SPDX-License-Identifier: MIT OR Apache-2.0
// Next to nothing: what is left is the way of a launch.
#version 450
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) buffer Out { float y[]; };
void main() {
  y[gl_GlobalInvocationID.x] = 1.0;
}
