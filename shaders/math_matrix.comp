// SPDX-License-Identifier: MIT OR Apache-2.0
// Matrix functions on n well-conditioned 4 x 4 matrices.
//   push  u32 n
//   0.0   m: mat4[n], read   0.1   v: vec4[n], read
//   0.2   matrices: mat4[5 * n], written: transpose, inverse, m * m, outer product v v, m * 2
//   0.3   vectors: vec4[3 * n], written: m * v, v * m, (determinants of 4x4, 3x3, 2x2, and
//         the corner of the 3x3 inverse)
// Launch: n threads.
#version 450
layout(local_size_x = 16) in;

layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer M { mat4 m[]; };
layout(set = 0, binding = 1) readonly buffer V { vec4 v[]; };
layout(set = 0, binding = 2) writeonly buffer Matrices { mat4 matrices[]; };
layout(set = 0, binding = 3) writeonly buffer Vectors { vec4 vectors[]; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  mat4 a = m[i];
  vec4 u = v[i];
  matrices[5 * i + 0] = transpose(a);
  matrices[5 * i + 1] = inverse(a);
  matrices[5 * i + 2] = a * a;
  matrices[5 * i + 3] = outerProduct(u, u);
  matrices[5 * i + 4] = 2.0 * a;
  vectors[3 * i + 0] = a * u;
  vectors[3 * i + 1] = u * a;
  vectors[3 * i + 2] = vec4(determinant(a), determinant(mat3(a)), determinant(mat2(a)),
                            inverse(mat3(a))[0][0]);
}
