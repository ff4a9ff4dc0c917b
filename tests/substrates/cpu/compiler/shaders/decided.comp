// glslc: -O0
// SPDX-License-Identifier: MIT OR Apache-2.0
// Branches that are decided before anything runs, by constants, by specialization and by what functions
// are given, around calls, loops that are left in their first round, and barriers.
#version 450
layout(local_size_x = 64) in;
layout(constant_id = 7) const bool careful = false;
layout(constant_id = 8) const uint kind = 2;
layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) buffer Out { uint results[]; };
shared uint seen[64];
uint turned(uint v, uint by) {
  if (by == 0) return v;
  if (by >= 32) { v = ~v; by -= 32; }
  return (v << by) | (v >> (32 - by));
}
uint search(uint x, bool first_only) {
  uint v, rounds = 0;
  do {
    v = a[x % n];
    if (first_only) return v;
    v = a[(x + v) % n];
    ++rounds;
  } while ((v & 7) < 3 && rounds < 5);
  return v + rounds;
}
uint chosen(uint v, uint w) {
  if (careful) {
    if (v > 30) return v * 3;
  } else {
    if ((v & 15) > 10) return v;
    v++;
  }
  if (w == 5) v += 2;
  return v + w;
}
uint several(uint v) {
  uint rounds = 0;
  do {
    switch (kind) {
      case 0:
        v = turned(v, rounds);
      case 1:
        v += 7;
        break;
      case 2:
        if (!careful && (v & 1) != 0) return v + rounds;
        v = chosen(v, kind);
        break;
      default:
        return 0;
    }
    if (++rounds > 3) break;
  } while (careful);
  for (;;) {
    if (kind == 2) break;
    v *= 3;
  }
  return v;
}
void main() {
  uint i = gl_GlobalInvocationID.x, own = gl_LocalInvocationIndex;
  seen[own] = i;
  if (careful) {
    barrier();
    if (i > 5) seen[own] = turned(seen[63 - own], i & 31);
  }
  if (i >= n) return;
  uint x = a[i];
  if (kind == 3) {
    if (x > 5) x = turned(x, i & 31);
  }
  x = turned(x, 5) ^ turned(x, 37) ^ turned(x, 0);
  x += search(i, true) * 3 + search(i + 1, false);
  x ^= several(x) + chosen(x, 5) + seen[own];
  results[i] = x;
}
