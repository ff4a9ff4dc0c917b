// glslc: -O0
// SPDX-License-Identifier: MIT OR Apache-2.0
// Rows of tests of one value, each of which is asked where the ones before it failed: of numbers that
// lanes differ in and of one for all, in loops, with sides that do nothing, leave, come twice or
// choose again, and values that come together behind them.
#version 450
layout(local_size_x = 64) in;
layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) buffer Out { uint results[]; };
shared uint seen[64];
uint chosen(uint x, uint y) {
if (x == 0) { return y * 3 + a[0 % n]; } else if (x == 1) { y ^= a[(y + 1) % n]; } else if (x == 2) { seen[gl_LocalInvocationIndex] += y; } else if (x == 3) { return y * 6 + a[3 % n]; } else if (x == 4) { y ^= a[(y + 4) % n]; } else if (x == 5) { seen[gl_LocalInvocationIndex] += y; } else if (x == 6) { return y * 9 + a[6 % n]; } else if (x == 7) { y ^= a[(y + 7) % n]; } else if (x == 8) { seen[gl_LocalInvocationIndex] += y; } else if (x == 9) { return y * 12 + a[9 % n]; } else if (x == 10) { y ^= a[(y + 10) % n]; } else if (x == 11) { seen[gl_LocalInvocationIndex] += y; } else y += 77;
  return y ^ x;
}
uint always(uint x, uint y) {
if (x == 0) { return a[(y + 0) % n]; } else if (x == 1) { return a[(y + 1) % n]; } else if (x == 2) { return a[(y + 2) % n]; } else if (x == 3) { return a[(y + 3) % n]; } else if (x == 4) { return a[(y + 4) % n]; } else if (x == 5) { return a[(y + 5) % n]; } else if (x == 6) { return a[(y + 6) % n]; } else if (x == 7) { return a[(y + 7) % n]; } else if (x == 8) { return a[(y + 8) % n]; } else if (x == 9) { return a[(y + 9) % n]; }
  else { return y; }
}
void main() {
  uint i = gl_GlobalInvocationID.x, l = gl_LocalInvocationIndex;
  if (i >= n) return;
  seen[l] = i;
  uint r = 0, s = 1;
  for (uint k = 0; k < (i & 7) + 2; ++k) {
    uint x = (a[(i + k) % n] >> (k & 3)) & 15;
    r += chosen(x, r + k);
    r ^= chosen(n & 15, r);
    if (3 == x) { s += a[s % n]; } else if (x == 5) { {} } else if (x == 7) { if ((r & 1) == 0) s ^= a[r % n]; else { r += 5; continue; } } else if (x == 9) { for (uint j = 0; j < (x & 3); ++j) s = s * 3 + a[j]; } else if (3 == x) { s = 12345; } else if (x == 11) { break; } else if (x == 2) { s = a[0]; r = s + 1; } else if (x == 13) { if (s == 4) s = a[1 % n]; else if (s == 6) r += a[2 % n]; else if (s == 9) s -= a[3 % n]; else s *= 5; } else if (14 == x) { seen[l] ^= s; } else if (x == 1) { s += a[(s + 1) % n]; } else if (x == 0) { s ^= a[(s + 2) % n]; } else if (x == 6) { r ^= a[(r + 3) % n]; } else s ^= 31;
    r = r * 31 + s;
    if (int(x) != 4) {
      if (int(x) != 8) {
        r ^= always(x, s);
      } else { r += a[r % n]; }
    } else { s += a[s % n]; }
  }
  results[i] = r ^ s ^ seen[l] ^ always(n & 7, r);
}
