// SPDX-License-Identifier: MIT OR Apache-2.0
// The Vulkan memory model: release and acquire with explicit scopes. Workgroups sum in chains:
// the last to arrive adds up what the others released.
// glslc: --target-env=vulkan1.2
//   0.0   a: u32[workgroups * 64], read
//   0.1   { u32 arrived, total; u32 partial[workgroups] }, updated
// Launch: any number of workgroups.
#version 450
#extension GL_KHR_memory_scope_semantics : require
#pragma use_vulkan_memory_model
layout(local_size_x = 64) in;

layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) queuefamilycoherent buffer State { uint arrived, total, partial[]; };

shared uint sum;

void main() {
  uint lane = gl_LocalInvocationID.x;
  if (lane == 0) sum = 0;
  controlBarrier(gl_ScopeWorkgroup, gl_ScopeWorkgroup, gl_StorageSemanticsShared,
                 gl_SemanticsAcquireRelease);
  atomicAdd(sum, a[gl_GlobalInvocationID.x], gl_ScopeWorkgroup, gl_StorageSemanticsNone,
            gl_SemanticsRelaxed);
  controlBarrier(gl_ScopeWorkgroup, gl_ScopeWorkgroup, gl_StorageSemanticsShared,
                 gl_SemanticsAcquireRelease);
  if (lane != 0) return;
  partial[gl_WorkGroupID.x] = sum;
  uint before = atomicAdd(arrived, 1, gl_ScopeQueueFamily, gl_StorageSemanticsBuffer,
                          gl_SemanticsAcquireRelease);
  if (before + 1 != gl_NumWorkGroups.x) return;
  uint all = 0;
  for (uint g = 0; g < gl_NumWorkGroups.x; ++g) all = all * 3 + partial[g];
  total = all;
}
