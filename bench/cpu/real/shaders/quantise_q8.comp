// SPDX-License-Identifier: MIT OR Apache-2.0
// Blocks of 32 values become a scale and bytes.
//   0.0  x: vec4[n / 4], read  0.1  blocks of 36 bytes: f32 scale, i8[32], written
// Launch: ceil(n / 32 / size) workgroups, an invocation a block.
#version 450
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_shader_explicit_arithmetic_types_int8 : require
layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
struct Block { float d; int8_t q[32]; };
layout(set = 0, binding = 0) readonly buffer X { vec4 x[]; };
layout(set = 0, binding = 1) writeonly buffer Q { Block blocks[]; };
layout(push_constant) uniform Parameters { uint n; };

void main() {
  const uint i = gl_GlobalInvocationID.x;
  if (i * 32 >= n) return;
  float most = 0.0;
  for (uint j = 0; j < 8; ++j) {
    const vec4 v = abs(x[i * 8 + j]);
    most = max(most, max(max(v.x, v.y), max(v.z, v.w)));
  }
  const float d = most / 127.0, by = d != 0.0 ? 1.0 / d : 0.0;
  blocks[i].d = d;
  for (uint j = 0; j < 8; ++j) {
    const ivec4 q = ivec4(round(x[i * 8 + j] * by));
    for (uint e = 0; e < 4; ++e) blocks[i].q[j * 4 + e] = int8_t(q[e]);
  }
}
