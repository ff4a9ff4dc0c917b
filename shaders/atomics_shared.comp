// SPDX-License-Identifier: MIT OR Apache-2.0
// Atomic operations on shared memory, contended by a workgroup.
//   push  u32 n
//   0.0   a: u32[n], read   0.1   out: u32[8 * workgroups], written
// Launch: ceil(n / 64) workgroups.
#version 450
layout(local_size_x = 64) in;

layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) writeonly buffer Out { uint results[]; };

shared uint values[7];
shared int smallest;
shared uint order[64];

void main() {
  uint i = gl_GlobalInvocationID.x, lane = gl_LocalInvocationID.x;
  if (lane < 7) values[lane] = lane == 3 ? 0xFFFFFFFFu : 0u;
  if (lane == 0) smallest = 2147483647;
  order[lane] = 0;
  barrier();
  if (i < n) {
    uint x = a[i];
    atomicAdd(values[0], x);
    atomicMax(values[1], x);
    atomicOr(values[2], 1u << (x & 31));
    atomicAnd(values[3], x);
    atomicXor(values[4], x);
    atomicMin(smallest, int(x));
    uint place = atomicAdd(values[5], 1);  // a permutation of the lanes
    atomicAdd(order[place], 1);
    uint seen = values[6];
    for (;;) {
      uint before = atomicCompSwap(values[6], seen, max(seen, x ^ 0x5555u));
      if (before == seen) break;
      seen = before;
    }
  }
  barrier();
  uint at = 8 * gl_WorkGroupID.x;
  if (lane < 7) results[at + lane] = values[lane];
  if (lane == 7) {
    uint places = 0;
    for (uint k = 0; k < 64; ++k) places += order[k] * (k + 1);
    results[at + 7] = uint(smallest) ^ places;
  }
}
