// SPDX-License-Identifier: MIT OR Apache-2.0
// Elements of four and eight halves, and single ones: beside one another, and where a number says.
#version 450
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
layout(local_size_x = 64) in;
layout(push_constant) uniform Push { uint n; };
layout(set = 0, binding = 0) readonly buffer In { f16vec4 values[]; };
layout(set = 0, binding = 0) readonly buffer Pairs { f16mat2x4 pairs[]; };
layout(set = 0, binding = 0) readonly buffer Single { float16_t halves[]; };
layout(set = 0, binding = 1) writeonly buffer Out { f16vec4 results[]; };
layout(set = 0, binding = 1) writeonly buffer PairsOut { f16mat2x4 pair_results[]; };
layout(set = 0, binding = 1) writeonly buffer SingleOut { float16_t half_results[]; };
layout(set = 0, binding = 2) readonly buffer Places { uint places[]; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  uint at = places[i];
  results[i] = values[i];
  results[n + at] = values[at];
  pair_results[n + at] = pairs[at];
  half_results[n * 16 + at] = halves[at * 3];
}
