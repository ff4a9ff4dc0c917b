// SPDX-License-Identifier: MIT OR Apache-2.0
// Reads and writes wherever the push constants say; the workgroup size is a constant to specialize.
#version 450
layout(local_size_x = 16, local_size_x_id = 0) in;
layout(constant_id = 1) const uint kStride = 3;
layout(set = 0, binding = 0, std430) readonly buffer In { uint a[]; };
layout(set = 0, binding = 1, std430) buffer Out { uint b[]; };
layout(push_constant) uniform Push { uint n; uint from; uint to; uint add; };

void main() {
  const uint i = gl_GlobalInvocationID.x + 7u * gl_GlobalInvocationID.y;
  if (i >= n) return;
  b[to + i * kStride] = a[from + i] + add;
}
