// SPDX-License-Identifier: MIT OR Apache-2.0
// Branches and loops one after another between barriers, in a workgroup of many passes.
#version 450
layout(local_size_x = 256) in;
layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) buffer Out { uint results[]; };
shared uint exchange[256];
void main() {
  uint i = gl_GlobalInvocationID.x, lane = gl_LocalInvocationID.x;
  uint x = i < n ? a[i] : lane * 37;
  uint y = (x & 1) != 0 ? x * 3 : x + 5;
  if ((y & 2) != 0) y ^= a[(lane * 7) % n];
  for (uint k = 0; k < (x & 7); ++k) {
    y += k * lane;
    if (y % 13 == 5) break;
  }
  switch (y % 4) {
    case 0: x += 9;
    case 1: y -= 4; break;
    case 2: x ^= y; break;
    default: break;
  }
  if (y > 1000) y = (x & 4) != 0 ? y / 3 : y / 5;
  exchange[lane] = x + y;
  barrier();
  uint z = exchange[lane ^ 5];
  if ((z & 1) == 0) z += exchange[(lane + 129) % 256];
  uint w = (z & 8) != 0 ? z * x : z + y;
  while ((w & 3) != 0 && w < 100000) w = w * 2 + (z & 1);
  barrier();
  for (uint round = 0; round < 3; ++round) {
    if ((w & 16) != 0) w += round; else w = w * 3 + y;
    float f = (w & 32) != 0 ? -float(w & 255) : float(w & 255);
    w += uint(f + 300.0);
    exchange[lane] = w;
    barrier();
    w ^= exchange[(lane * 3 + round) % 256];
    if (w % 5 == 1) z += w;
    barrier();
  }
  if (i < n) results[i] = w + z * 3 + x;
}
