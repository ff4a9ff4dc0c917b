// glslc: --target-env=vulkan1.2
// SPDX-License-Identifier: MIT OR Apache-2.0
// Sums and a handshake at device scope in the Vulkan memory model.
//   0.0   a: u32[256], read   0.1   out: u32[2], read and written: the sum, and how many came
// Launch: 256 threads.
#version 450
#pragma use_vulkan_memory_model
#extension GL_KHR_memory_scope_semantics : require
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) buffer Out { uint results[]; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  atomicAdd(results[0], a[i], gl_ScopeDevice, gl_StorageSemanticsBuffer, gl_SemanticsAcquireRelease);
  atomicAdd(results[1], 1u, gl_ScopeDevice, gl_StorageSemanticsBuffer, gl_SemanticsRelaxed);
}
