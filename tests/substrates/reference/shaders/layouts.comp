#version 450
#extension GL_EXT_scalar_block_layout : require
// The same struct in std140, std430 and scalar layout, with row- and column-major matrices.
layout(local_size_x = 1) in;
struct Item { float a; vec3 b; mat2x3 m; vec2 c[2]; };
layout(set = 0, binding = 0, std140) uniform Block140 { layout(row_major) Item items[2]; } from140;
layout(set = 0, binding = 1, std430) buffer Block430 { Item items[2]; } to430;
layout(set = 0, binding = 2, scalar) buffer BlockScalar { layout(row_major) Item items[]; } to_scalar;
layout(set = 0, binding = 3, std430) buffer Parts { float parts[]; };
void main() {
  to430.items[0] = from140.items[0];
  to430.items[1] = from140.items[1];
  for (int i = 0; i < 2; ++i) to_scalar.items[i] = to430.items[1 - i];
  int column = int(to430.items[0].a) & 1, row = int(to430.items[0].a) % 3;
  vec3 dynamic_column = from140.items[1].m[column];
  parts[0] = dynamic_column.y;
  parts[1] = from140.items[1].m[column][row];
  to_scalar.items[1].m[column][row] = 99;
  parts[2] = to_scalar.items[1].m[1].z;
  parts[3] = float(to_scalar.items.length());
}
