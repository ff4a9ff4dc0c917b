// SPDX-License-Identifier: MIT OR Apache-2.0
// An array of buffers, a uniform block, shared memory of a size to specialize, loops and barriers.
#version 450
layout(local_size_x = 8, local_size_y = 2) in;
layout(constant_id = 2) const uint kSize = 16;
layout(constant_id = 3) const bool kTwice = false;
layout(set = 0, binding = 0) uniform Block { uvec4 u[4]; };
layout(set = 1, binding = 2, std430) buffer Buffers { uint count; uint data[]; } many[3];
shared uint s[kSize];

void main() {
  const uint l = gl_LocalInvocationIndex;
  s[l % kSize] = u[l & 3u].x + gl_WorkGroupID.x;
  barrier();
  uint sum = 0;
  for (uint i = 0; i < min(kSize, 32u); ++i) sum += s[i];
  if (l < 4) {
    many[0].data[sum & 15u] = sum;
    many[1].data[many[1].count + l] = l;
    many[2].data[gl_WorkGroupID.x * 4u + l] = uint(many[2].data.length());
  }
  if (kTwice) atomicAdd(many[0].count, sum);
}
