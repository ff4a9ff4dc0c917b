// SPDX-License-Identifier: MIT OR Apache-2.0
// Copies structures between two std430 layouts that differ in every offset, in the SPIR-V 1.0
// style of storage buffers (Uniform storage class, BufferBlock).
// glslc: --target-env=vulkan1.0
//   push  u32 n
//   0.0   from: A[n], read   0.1   to: { u32 header; B[n] }, written
// Launch: n threads.
#version 450
layout(local_size_x = 32) in;

struct A { vec3 position; float mass; uint flags[3]; mat2 basis; };
struct B { float mass; vec3 position; mat2 basis; uvec4 flags; };

layout(push_constant) uniform Params { uint n; };
layout(std430, set = 0, binding = 0) readonly buffer From { A from[]; };
layout(std430, set = 0, binding = 1) writeonly buffer To { uint header; B to[]; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i == 0) header = n;
  if (i >= n) return;
  A a = from[i];
  to[i].mass = a.mass;
  to[i].position = a.position.zyx;
  to[i].basis = transpose(a.basis);
  to[i].flags = uvec4(a.flags[0], a.flags[1], a.flags[2], 0xFFu);
}
