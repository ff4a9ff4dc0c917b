#version 450
// SPDX-License-Identifier: MIT OR Apache-2.0
// Atomic loads from places that a workgroup's rows have in common, by some of the rows.
#extension GL_KHR_memory_scope_semantics : require
layout(local_size_x = 16, local_size_y = 4) in;
layout(binding = 0) buffer In { uint data[]; } src;
layout(binding = 1) writeonly buffer Out { uint data[]; } dst;
layout(push_constant) uniform Push { uint stride; };
shared uint sh[256];

void main() {
  uint x = gl_LocalInvocationID.x, y = gl_LocalInvocationID.y, i = gl_LocalInvocationIndex;
  for (uint k = i; k < 256u; k += 64u) sh[k] = k * 7u;
  barrier();
  uint v = 0, w = 0, u = 0, t = 0;
  if (y == 1u) v = atomicLoad(src.data[x], gl_ScopeDevice, gl_StorageSemanticsBuffer, gl_SemanticsRelaxed);
  if (y == 2u) w = atomicLoad(src.data[x * stride], gl_ScopeDevice, gl_StorageSemanticsBuffer, gl_SemanticsRelaxed);
  if (y > 0u && i % 3u == 0u) u = atomicLoad(sh[x * 5u], gl_ScopeWorkgroup, gl_StorageSemanticsShared, gl_SemanticsRelaxed);
  if (y == 3u) t = atomicLoad(src.data[3], gl_ScopeDevice, gl_StorageSemanticsBuffer, gl_SemanticsRelaxed);
  dst.data[i] = v + 3u * w + 5u * u + 7u * t;
}
