// SPDX-License-Identifier: MIT OR Apache-2.0
// Sorts u32 ascending within blocks of 512, in shared memory.
//   push  u32 n
//   0.0   keys: u32[n], read and written
// Launch: ceil(n / 512) workgroups.
#version 450
const uint kThreads = 256;
const uint kBlock = 2 * kThreads;
layout(local_size_x = kThreads) in;

layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) buffer Keys { uint keys[]; };

shared uint block[kBlock];

void main() {
  uint lane = gl_LocalInvocationID.x, base = gl_WorkGroupID.x * kBlock;
  for (uint i = lane; i < kBlock; i += kThreads) {
    block[i] = base + i < n ? keys[base + i] : 0xFFFFFFFFu;
  }
  for (uint size = 2; size <= kBlock; size *= 2) {
    for (uint stride = size / 2; stride > 0; stride /= 2) {
      barrier();
      uint low = 2 * stride * (lane / stride) + lane % stride, high = low + stride;
      bool ascending = (low & size) == 0;
      uint a = block[low], b = block[high];
      if ((a > b) == ascending) {
        block[low] = b;
        block[high] = a;
      }
    }
  }
  barrier();
  for (uint i = lane; i < kBlock; i += kThreads) {
    if (base + i < n) keys[base + i] = block[i];
  }
}
