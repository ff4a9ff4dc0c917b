// SPDX-License-Identifier: MIT OR Apache-2.0
// Workgroup memory at constant places, and everything that has to see what was written there:
// branches that all take or some, loops whose rounds nobody knows beforehand, places that data
// choose, one place for all, two types in one array, atomics.
#version 450
layout(local_size_x = 64) in;
layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer In { uint data[]; };
layout(set = 0, binding = 1) buffer Out { uint result[]; };

shared uint a[128];
shared float f[64];
struct Pair { uint x; float y; };
shared Pair pairs[64];
shared uint one;

void main() {
  uint lane = gl_LocalInvocationID.x, i = gl_GlobalInvocationID.x;
  uint mine = i < n ? data[i] : 7u;
  a[lane] = mine;
  a[127 - lane] = mine * 3u;
  f[lane] = float(mine & 255u);
  pairs[lane].x = mine ^ 5u;
  pairs[lane].y = float(lane);
  barrier();
  uint sum = a[lane ^ 1] + a[64 + (lane ^ 2)];
  barrier();
  if (n > 40u) {  // all or nobody
    a[lane ^ 3] = sum;
    barrier();
    sum += a[lane];
  } else {
    a[2 * lane] = sum + 1u;
    barrier();
    sum ^= a[2 * lane + 1];
  }
  barrier();
  if ((mine & 1u) != 0u) a[lane] = sum + 11u;  // some
  barrier();
  sum += a[63 - lane];
  barrier();
  if (lane < 5u) one = lane == 3u ? 1u : 1u;
  if (lane == 0u) a[127] = 99u;
  barrier();
  sum = sum * 5u + a[127] + one;
  for (uint k = 0; k < (n & 7u); ++k) {  // rounds that a launch knows
    barrier();
    a[lane] = sum + k;
    barrier();
    sum += a[(lane + 1u) & 63u] ^ a[mine & 127u];
    barrier();
    if (lane == k) a[5] = sum;
    barrier();
    sum += a[5];
  }
  barrier();
  a[mine & 63u] = 4u;  // a place that data choose: everyone writes the same
  barrier();
  sum += a[lane] + a[63];
  barrier();
  atomicAdd(a[lane & 3u], sum);
  barrier();
  sum += a[lane & 3u] + uint(f[63 - lane]) + pairs[lane ^ 7].x + uint(pairs[lane / 2].y);
  for (uint width = 32; width > 0; width /= 2) {
    barrier();
    if (lane < width) f[lane] += f[lane + width];
  }
  barrier();
  if (i < n) result[i] = sum + uint(f[0]);
}
