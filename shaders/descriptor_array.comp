// SPDX-License-Identifier: MIT OR Apache-2.0
// An array of storage buffers and one of uniform buffers, indexed dynamically.
//   push  u32 n
//   0.0   inputs[4]: u32[n] each, read     0.1   scales[2] { u32 scale }, uniform
//   0.2   out: u32[n], written
// Launch: ceil(n / 64) workgroups; workgroup g reads inputs[g % 4] and scales[g % 2].
#version 450
layout(local_size_x = 64) in;

layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer Inputs { uint values[]; } inputs[4];
layout(set = 0, binding = 1) uniform Scales { uint scale; } scales[2];
layout(set = 0, binding = 2) writeonly buffer Out { uint results[]; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  uint group = gl_WorkGroupID.x;
  uint value = inputs[group % 4].values[i] * scales[group % 2].scale;
  results[i] = value + uint(inputs[3].values.length());
}
