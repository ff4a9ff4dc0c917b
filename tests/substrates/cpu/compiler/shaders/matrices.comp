// SPDX-License-Identifier: MIT OR Apache-2.0
#version 450
layout(local_size_x = 64) in;
layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0, std430) readonly buffer A { layout(row_major) mat3x4 rows; mat4 columns; uint rest[]; };
layout(set = 0, binding = 1) buffer Out { uint results[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  uint r = floatBitsToUint(rows[i % 3][i % 4]) ^ floatBitsToUint(columns[i % 4].z);
  mat3x4 m = rows;
  r += floatBitsToUint(m[i % 3].y) * 3;
  results[i] = r;
}
