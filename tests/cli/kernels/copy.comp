// glslc: --target-env=vulkan1.1
// SPDX-License-Identifier: MIT OR Apache-2.0
// y[i] = x[i] * factor + offset + bias, in workgroups whose size is a specialization constant.
#version 450
layout(local_size_x_id = 7) in;
layout(constant_id = 0) const uint kFactor = 3;
layout(constant_id = 1) const bool kNegate = false;
layout(constant_id = 2) const float kBias = 1.5;
layout(set = 0, binding = 0) readonly buffer X { uint x[]; };
layout(set = 0, binding = 1) buffer Y { uint y[]; };
layout(push_constant) uniform Push { uint count; uint offset; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i < count) y[i] = (kNegate ? -x[i] : x[i]) * kFactor + offset + uint(kBias);
}
