// SPDX-License-Identifier: MIT OR Apache-2.0
// Control flow that is uniform in a subgroup keeps it together: a branch and a loop that each
// subgroup decides as one, and divergence that ends before them; `where` as in subgroup_arithmetic.
//   n is a multiple of the workgroup size
//   0.0   a: u32[n], read   0.1   where: uvec2[n], written   0.2   out: u32[2 * n], written
// Launch: n threads.
#version 450
#extension GL_EXT_subgroup_uniform_control_flow : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_arithmetic : require
layout(local_size_x = 64) in;

layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) writeonly buffer Where { uvec2 where[]; };
layout(set = 0, binding = 2) writeonly buffer Out { uint results[]; };

void main() [[subgroup_uniform_control_flow]] {
  uint i = gl_GlobalInvocationID.x, x = a[i], sum = 0, parity = subgroupXor(x) & 1;
  where[i] = uvec2(gl_SubgroupID, gl_SubgroupInvocationID);
  if ((x & 2) != 0) x += 5;  // by lane
  if (parity != 0) {         // by subgroup
    sum = subgroupAdd(x);
  } else {
    for (uint k = 0; k < 3; ++k) sum += subgroupAdd(x ^ k);
  }
  results[2 * i + 0] = sum;
  results[2 * i + 1] = subgroupAdd(x);
}
