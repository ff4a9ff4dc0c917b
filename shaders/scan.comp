// SPDX-License-Identifier: MIT OR Apache-2.0
// Exclusive prefix sums of u32 within blocks of 512, and each block's total.
// A longer scan: scan the totals with the same kernel, then add them with scan_add.
//   push  u32 n
//   0.0   values: u32[n], read
//   0.1   sums: u32[n], written
//   0.2   totals: u32[workgroups], written
// Launch: ceil(n / 512) workgroups.
#version 450
const uint kThreads = 256;
const uint kBlock = 2 * kThreads;
layout(local_size_x = kThreads) in;

layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer Values { uint values[]; };
layout(set = 0, binding = 1) writeonly buffer Sums { uint sums[]; };
layout(set = 0, binding = 2) writeonly buffer Totals { uint totals[]; };

shared uint block[kBlock];

uint value(uint i) { return i < n ? values[i] : 0; }

void main() {
  uint lane = gl_LocalInvocationID.x, base = gl_WorkGroupID.x * kBlock;
  block[2 * lane] = value(base + 2 * lane);
  block[2 * lane + 1] = value(base + 2 * lane + 1);

  uint offset = 1;
  for (uint width = kThreads; width > 0; width /= 2, offset *= 2) {
    barrier();
    if (lane < width) {
      block[offset * (2 * lane + 2) - 1] += block[offset * (2 * lane + 1) - 1];
    }
  }
  barrier();
  if (lane == 0) {
    totals[gl_WorkGroupID.x] = block[kBlock - 1];
    block[kBlock - 1] = 0;
  }
  for (uint width = 1; width <= kThreads; width *= 2) {
    offset /= 2;
    barrier();
    if (lane < width) {
      uint left = offset * (2 * lane + 1) - 1, right = offset * (2 * lane + 2) - 1;
      uint carried = block[left];
      block[left] = block[right];
      block[right] += carried;
    }
  }
  barrier();
  for (uint i = 2 * lane; i < 2 * lane + 2; ++i) {
    if (base + i < n) sums[base + i] = block[i];
  }
}
