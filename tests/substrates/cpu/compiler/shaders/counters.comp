// SPDX-License-Identifier: MIT OR Apache-2.0
// Counters that the kernel only adds to, and an array of which it reads what was there.
#version 450
layout(local_size_x = 64) in;
layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) buffer Out { uint counters[64]; };
shared uint seen[300], order[16];
void main() {
  uint i = gl_GlobalInvocationID.x, l = gl_LocalInvocationID.x;
  for (uint k = l; k < 300; k += 64) seen[k] = k;
  if (l < 16) order[l] = 0;
  barrier();
  uint x = i < n ? a[i] : i * 7;
  // In range for certain, in range or not, and by some.
  atomicAdd(counters[x & 63], 1);
  atomicAdd(counters[(x >> 3) & 15], x);
  if (x % 3 != 0) atomicAdd(counters[x % 50], 5);
  atomicAdd(counters[l], 3);
  atomicAdd(counters[63], x);
  // Numbers of 8 bits, of 16 and of 32; affine places.
  atomicOr(seen[x & 255], x);
  barrier();
  uint far = (x * 40503u >> 5) % 300;
  atomicAdd(seen[far], x);
  barrier();
  atomicXor(seen[l + 1], x);
  barrier();
  atomicMax(seen[(x & 1023) % 299], i);
  barrier();
  if (n % 2 == 1) return;
  uint before = atomicAdd(order[x & 15], 1);
  barrier();
  atomicAdd(counters[before & 63], seen[l] + seen[l + 64] * 3 + seen[l + 128] * 5 + seen[l + 192] * 7);
  atomicAdd(counters[(order[l & 15] + before) & 31], seen[236 + l]);
}
