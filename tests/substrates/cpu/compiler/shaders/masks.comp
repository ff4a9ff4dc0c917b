// SPDX-License-Identifier: MIT OR Apache-2.0
#version 450
layout(local_size_x = 64) in;
layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) buffer Out { uint results[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i < n) {
    uint x = a[i], r = 7;
    if ((x & 1) == 0) {
      if (x > 10) r += x * 3; else r ^= 0x55;
      if ((i & 3) == 2) r = a[(i * 7) % n] + r;
    } else if (x % 5 == 3) {
      r = (x << (x & 63)) / (x - 3) + (x - 3) % (x & 12);
    }
    if (n > 40) r += 1000; else r -= 3;
    results[i] = r;
  }
}
