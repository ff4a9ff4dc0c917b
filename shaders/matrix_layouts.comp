// SPDX-License-Identifier: MIT OR Apache-2.0
// Matrices in buffers, column- and row-major, square and not, read and written by element,
// by column and whole.
//   0.0   in, read   0.1   out, written: the same matrices, each in the other layout
//   0.2   products: vec4[4], written
// Launch: 1 workgroup.
#version 450
layout(local_size_x = 1) in;

layout(std430, set = 0, binding = 0) readonly buffer In {
  layout(row_major) mat4 a;
  layout(column_major) mat3 b;
  layout(row_major) mat2x3 c;
  layout(column_major) mat4x2 d;
  layout(row_major) mat3 e[2];
};
layout(std430, set = 0, binding = 1) writeonly buffer Out {
  layout(column_major) mat4 out_a;
  layout(row_major) mat3 out_b;
  layout(column_major) mat2x3 out_c;
  layout(row_major) mat4x2 out_d;
  layout(column_major) mat3 out_e[2];
};
layout(set = 0, binding = 2) writeonly buffer Products { vec4 products[4]; };

void main() {
  out_a = a;
  for (int column = 0; column < 3; ++column) out_b[column] = b[column];
  for (int column = 0; column < 2; ++column)
    for (int row = 0; row < 3; ++row) out_c[column][row] = c[column][row];
  out_d = d;
  for (int i = 0; i < 2; ++i) out_e[i] = e[1 - i];
  products[0] = a * vec4(1.0, 2.0, 3.0, 4.0);
  products[1] = vec4(vec3(1.0, -1.0, 2.0) * b, 0.0);
  products[2] = vec4(c * vec2(3.0, 5.0), determinant(b));
  products[3] = vec4(d * vec4(1.0, 2.0, 3.0, 4.0), (transpose(d) * vec2(2.0, 1.0)).xw);
}
