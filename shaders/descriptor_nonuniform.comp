// SPDX-License-Identifier: MIT OR Apache-2.0
// Buffers of an array, chosen by each invocation for itself.
//   0.0   a: u32[64], read   0.1[4]   storage: u32[64], read   0.2[4]   uniform: uvec4, read
//   0.3   out: u32[64], written
// Launch: 64 threads.
#version 450
#extension GL_EXT_nonuniform_qualifier : require
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) readonly buffer Storage { uint data[]; } storages[4];
layout(set = 0, binding = 2) uniform Uniform { uvec4 data; } uniforms[4];
layout(set = 0, binding = 3) writeonly buffer Out { uint results[]; };

void main() {
  uint i = gl_LocalInvocationIndex, which = a[i] & 3;
  results[i] = storages[nonuniformEXT(which)].data[i] + uniforms[nonuniformEXT(which)].data.y;
}
