// SPDX-License-Identifier: MIT OR Apache-2.0
#version 450
layout(local_size_x = 64) in;
layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) buffer Out { uint results[]; };
shared uint bins[8];
shared uint total, smallest;
void main() {
  uint i = gl_GlobalInvocationID.x, l = gl_LocalInvocationID.x;
  if (l < 8) bins[l] = 0;
  if (l == 0) { total = 0; smallest = 0xffffffffu; }
  barrier();
  uint x = i < n ? a[i] : 3;
  atomicAdd(bins[x & 7], x);
  atomicAdd(total, 1);
  atomicMin(smallest, x);
  barrier();
  if ((x & 3) == 1) atomicXor(bins[(x >> 2) & 7], x);
  barrier();
  if (i < n) results[i] = bins[l & 7] + total * 3 + smallest;
}
