// SPDX-License-Identifier: MIT OR Apache-2.0
// Atomic sums, minima and maxima of halves, floats and doubles; the sums are of small whole numbers.
//   0.0   a: i32[256], read   0.1   halves: f16[3]   0.2   floats: f32[3]   0.3   doubles: f64[3]
//   each sum, minimum, maximum, read and written
// Launch: 256 threads.
#version 450
#extension GL_EXT_shader_atomic_float : require
#extension GL_EXT_shader_atomic_float2 : require
#extension GL_EXT_shader_explicit_arithmetic_types : require
#extension GL_EXT_shader_16bit_storage : require
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) readonly buffer A { int a[]; };
layout(set = 0, binding = 1) buffer H { float16_t halves[]; };
layout(set = 0, binding = 2) buffer F { float floats[]; };
layout(set = 0, binding = 3) buffer D { double doubles[]; };

void main() {
  int x = a[gl_GlobalInvocationID.x];
  atomicAdd(halves[0], float16_t(x));
  atomicMin(halves[1], float16_t(x));
  atomicMax(halves[2], float16_t(x));
  atomicAdd(floats[0], float(x));
  atomicMin(floats[1], float(x));
  atomicMax(floats[2], float(x));
  atomicAdd(doubles[0], double(x));
  atomicMin(doubles[1], double(x));
  atomicMax(doubles[2], double(x));
}
