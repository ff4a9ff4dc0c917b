// SPDX-License-Identifier: MIT OR Apache-2.0
// Reductions and scans within subgroups. The host rebuilds them from `where`, which tells each
// invocation's subgroup and place in it.
//   n is a multiple of the workgroup size
//   0.0   a: u32[n], read   0.1   where: uvec2[n], written   0.2   out: u32[10 * n], written
// Launch: n threads.
#version 450
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_arithmetic : require
layout(local_size_x = 64) in;

layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) writeonly buffer Where { uvec2 where[]; };
layout(set = 0, binding = 2) writeonly buffer Out { uint results[]; };

void main() {
  uint i = gl_GlobalInvocationID.x, x = a[i];
  where[i] = uvec2(gl_SubgroupID, gl_SubgroupInvocationID);
  results[10 * i + 0] = subgroupAdd(x);
  results[10 * i + 1] = subgroupMul(x | 1);
  results[10 * i + 2] = subgroupMin(x);
  results[10 * i + 3] = uint(subgroupMax(int(x)));
  results[10 * i + 4] = subgroupAnd(x | 0xFF00u);
  results[10 * i + 5] = subgroupOr(x);
  results[10 * i + 6] = subgroupXor(x);
  results[10 * i + 7] = subgroupInclusiveAdd(x);
  results[10 * i + 8] = subgroupExclusiveAdd(x);
  results[10 * i + 9] = subgroupInclusiveMax(x);
}
