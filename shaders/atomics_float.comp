// SPDX-License-Identifier: MIT OR Apache-2.0
// Float atomic addition on a buffer and in shared memory; the inputs are small integers, so
// that sums are exact in every order.
//   push  u32 n
//   0.0   a: f32[n], read   0.1   { f32 sum, shared_sums[workgroups] }, updated
// Launch: ceil(n / 64) workgroups.
#version 450
#extension GL_EXT_shader_atomic_float : require
layout(local_size_x = 64) in;

layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { float a[]; };
layout(set = 0, binding = 1) buffer State { float sum, group_sums[]; };

shared float group_sum;

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (gl_LocalInvocationID.x == 0) group_sum = 0.0;
  barrier();
  if (i < n) {
    atomicAdd(sum, a[i]);
    atomicAdd(group_sum, 2.0 * a[i]);
  }
  barrier();
  if (gl_LocalInvocationID.x == 0) group_sums[gl_WorkGroupID.x] = group_sum;
}
