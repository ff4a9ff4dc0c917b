// SPDX-License-Identifier: MIT OR Apache-2.0
#version 450
// Counts invocations and workgroups.
layout(local_size_x_id = 0) in;
layout(set = 0, binding = 0) buffer Counts { uint invocations, workgroups; };
void main() {
  atomicAdd(invocations, 1);
  if (gl_LocalInvocationIndex == 0) atomicAdd(workgroups, 1);
}
