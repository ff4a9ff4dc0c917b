// SPDX-License-Identifier: MIT OR Apache-2.0
// y = A * x for a sparse matrix in compressed rows (CSR); one invocation a row.
//   push  u32 rows
//   0.0   starts: u32[rows + 1], read    row r has the entries starts[r] to starts[r + 1]
//   0.1   columns: u32[entries], read   0.2  values: f32[entries], read
//   0.3   x: f32[columns], read         0.4  y: f32[rows], written
// Launch: `rows` threads.
#version 450
layout(local_size_x = 64) in;

layout(push_constant) uniform Params { uint rows; };
layout(set = 0, binding = 0) readonly buffer Starts { uint starts[]; };
layout(set = 0, binding = 1) readonly buffer Columns { uint columns[]; };
layout(set = 0, binding = 2) readonly buffer Values { float values[]; };
layout(set = 0, binding = 3) readonly buffer X { float x[]; };
layout(set = 0, binding = 4) writeonly buffer Y { float y[]; };

void main() {
  uint row = gl_GlobalInvocationID.x;
  if (row >= rows) return;
  float sum = 0.0;
  for (uint i = starts[row]; i < starts[row + 1]; ++i) sum += values[i] * x[columns[i]];
  y[row] = sum;
}
