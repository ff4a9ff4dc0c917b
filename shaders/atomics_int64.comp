// SPDX-License-Identifier: MIT OR Apache-2.0
// 64-bit atomic operations on a buffer and in shared memory.
//   push  u32 n
//   0.0   a: u64[n], read
//   0.1   { u64 sum, min, max, or, shared_sums[workgroups] }, updated
// Launch: ceil(n / 64) workgroups.
#version 450
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#extension GL_EXT_shader_atomic_int64 : require
layout(local_size_x = 64) in;

layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { uint64_t a[]; };
layout(set = 0, binding = 1) buffer State { uint64_t sum, smallest, largest, bits, group_sums[]; };

shared uint64_t group_sum;

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (gl_LocalInvocationID.x == 0) group_sum = 0ul;
  barrier();
  if (i < n) {
    atomicAdd(sum, a[i]);
    atomicMin(smallest, a[i]);
    atomicMax(largest, a[i]);
    atomicOr(bits, a[i] & 0x00FF00FF00FF00FFul);
    atomicAdd(group_sum, a[i] >> 3);
  }
  barrier();
  if (gl_LocalInvocationID.x == 0) group_sums[gl_WorkGroupID.x] = group_sum;
}
