// glslc: -O0
// SPDX-License-Identifier: MIT OR Apache-2.0
// A function that calls another 16 times, four deep: 65,536 copies of the innermost one. They
// change what their callers hold, a variable of the module, and memory that all see; two of them read
// where their data says.
#version 450
layout(local_size_x = 64) in;
layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) buffer Out { uint results[]; };
shared uint seen[64];
uint rounds = 0;
vec2 turned = vec2(1.0, 0.0);
struct State { uint h; uvec2 pair; bool odd; };
void innermost(inout State s, uint by) {
  s.h = s.h * 31 + by;
  if (s.odd) {
    s.pair.x ^= s.h >> 7;
    rounds += 1;
    s.odd = (s.h & 8) != 0;
    return;
  }
  for (uint k = 0; k < (by & 3); ++k) s.pair += uvec2(k, s.h & 15);
  s.odd = (s.pair.y & 1) != 0;
  s.pair.y ^= a[s.h % n];
  if ((by & 7) == 5) seen[gl_LocalInvocationIndex] += s.h & 3;
}
uint level1(inout State s, uint x) {
  x += a[(x ^ s.pair.x) % n] & 7;
  innermost(s, x); innermost(s, x + 1); innermost(s, x + 2); innermost(s, x ^ 3);
  innermost(s, x + 4); innermost(s, x + 5); innermost(s, x ^ 6); innermost(s, x + 7);
  if ((s.h & 1) != 0) return s.pair.x;
  innermost(s, x + 8); innermost(s, x ^ 9); innermost(s, x + 10); innermost(s, x + 11);
  innermost(s, x ^ 12); innermost(s, x + 13); innermost(s, x + 14); innermost(s, x ^ 15);
  return s.pair.y + rounds;
}
uint level2(inout State s, uint x) {
  uint r = 0;
  r += level1(s, x); r ^= level1(s, x + 1); r += level1(s, r); r ^= level1(s, x + 3);
  r += level1(s, x); r ^= level1(s, x + 5); r += level1(s, r); r ^= level1(s, x + 7);
  if (r % 3 == 1) turned = vec2(turned.y, turned.x + 1.0);
  r += level1(s, x); r ^= level1(s, x + 9); r += level1(s, r); r ^= level1(s, x + 11);
  r += level1(s, x); r ^= level1(s, x + 13); r += level1(s, r); r ^= level1(s, x + 15);
  return r;
}
uint level3(inout State s, uint x) {
  uint r = x;
  r += level2(s, x); r ^= level2(s, r); r += level2(s, x); r ^= level2(s, r);
  r += level2(s, x); r ^= level2(s, r); r += level2(s, x); r ^= level2(s, r);
  r += level2(s, x); r ^= level2(s, r); r += level2(s, x); r ^= level2(s, r);
  r += level2(s, x); r ^= level2(s, r); r += level2(s, x); r ^= level2(s, r);
  return r;
}
void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  State s = State(a[i], uvec2(i, 1), (i & 1) != 0);
  seen[gl_LocalInvocationIndex] = 0;
  uint r = 0;
  if ((a[i] & 3) != 0) {
    r = level3(s, a[i]);
    for (uint k = 0; k < (i & 1); ++k) r += level3(s, r + k);
  }
  results[i] = r + s.h * 3 + s.pair.x + rounds + seen[gl_LocalInvocationIndex] + uint(turned.x);
}
