// SPDX-License-Identifier: MIT OR Apache-2.0
// Rotary embedding: pairs (i, i + width / 2) of each head turned by position * base^(-2 i / width).
//   0.0  x: f32[tokens * heads * width], read  0.1  position: i32[tokens], read  0.2  y: f16, written
// Launch: ceil(width / 2 / size), heads, tokens workgroups.
#version 450
#extension GL_EXT_shader_16bit_storage : require
layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0) readonly buffer X { float x[]; };
layout(set = 0, binding = 1) readonly buffer P { int position[]; };
layout(set = 0, binding = 2) writeonly buffer Y { float16_t y[]; };
layout(push_constant) uniform Parameters {
  uint heads, width, turned;  // the first `turned` of the width are turned, the others copied
  float scale, base_log2, attenuation;
  uint stride_head, stride_token;
  vec2 corrections;
  float ext;
};

void main() {
  const uint i = gl_GlobalInvocationID.x, half_ = width / 2;
  if (i >= half_) return;
  const uint at = gl_WorkGroupID.z * stride_token + gl_WorkGroupID.y * stride_head;
  if (i >= turned / 2) {
    const uint first = at + turned + (i - turned / 2) * 2;
    y[first] = float16_t(x[first]);
    y[first + 1] = float16_t(x[first + 1]);
    return;
  }
  const float theta = float(position[gl_WorkGroupID.z]) * exp2(-base_log2 * 2.0 * float(i) / float(turned));
  float angle = scale * theta;
  if (ext != 0.0) {
    const float ramp = 1.0 - clamp((float(i) - corrections.x) / max(0.001, corrections.y - corrections.x), 0.0, 1.0);
    angle = mix(angle, theta, ramp * ext);
  }
  const float c = cos(angle) * attenuation, s = sin(angle) * attenuation;
  const float a = x[at + i], b = x[at + i + turned / 2];
  y[at + i] = float16_t(a * c - b * s);
  y[at + i + turned / 2] = float16_t(a * s + b * c);
}
