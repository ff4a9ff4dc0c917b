// SPDX-License-Identifier: MIT OR Apache-2.0
// The order of each row's elements, ascending, by a bitonic sort of (index) in Workgroup memory.
//   0.0  x: f32[rows * columns], read  0.1  order: i32[rows * columns], written
// Launch: one workgroup a row.
#version 450
layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(constant_id = 1) const uint SIZE = 1024;  // a power of two, at least `columns`
layout(set = 0, binding = 0) readonly buffer X { float x[]; };
layout(set = 0, binding = 1) writeonly buffer Order { int order[]; };
layout(push_constant) uniform Parameters { uint columns; };
shared ivec2 row[SIZE];

void main() {
  const uint start = gl_WorkGroupID.x * columns;
  for (uint i = gl_LocalInvocationID.x; i < SIZE; i += gl_WorkGroupSize.x)
    row[i] = ivec2(i, i < columns ? floatBitsToInt(x[start + i]) : 0);
  barrier();
  for (uint k = 2; k <= SIZE; k *= 2)
    for (uint j = k / 2; j > 0; j /= 2) {
      for (uint i = gl_LocalInvocationID.x; i < SIZE; i += gl_WorkGroupSize.x) {
        const uint with = i ^ j;
        if (with > i) {
          const ivec2 a = row[i], b = row[with];
          const bool after = a.x >= columns || (b.x < columns && intBitsToFloat(a.y) > intBitsToFloat(b.y));
          const bool before = b.x >= columns || (a.x < columns && intBitsToFloat(a.y) < intBitsToFloat(b.y));
          if ((i & k) == 0 ? after : before) {
            row[i] = b;
            row[with] = a;
          }
        }
      }
      barrier();
    }
  for (uint i = gl_LocalInvocationID.x; i < columns; i += gl_WorkGroupSize.x)
    order[start + i] = row[i].x;
}
