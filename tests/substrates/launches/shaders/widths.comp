// SPDX-License-Identifier: MIT OR Apache-2.0
// Constants of every width to specialize, which decide values, sizes and conditions.
#version 450
#extension GL_EXT_shader_explicit_arithmetic_types : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
layout(local_size_x = 4) in;
layout(constant_id = 0) const int kI32 = 7;
layout(constant_id = 1) const float kF32 = 1.5;
layout(constant_id = 2) const int64_t kI64 = 5;
layout(constant_id = 3) const double kF64 = 0.25;
layout(constant_id = 4) const bool kFlag = true;
layout(constant_id = 5) const uint kDivisor = 3;
layout(set = 2, binding = 0, std430) buffer Data { float f[]; };

void main() {
  uint parts[kDivisor % 5u + 1u];
  const uint i = gl_GlobalInvocationID.x;
  for (uint p = 0; p < parts.length(); ++p) parts[p] = p + i;
  const uint at = parts[i % parts.length()];
  f[at + uint(100 / kDivisor)] = kFlag ? kF32 * float(kI32) : float(kF64) + float(kI64);
}
