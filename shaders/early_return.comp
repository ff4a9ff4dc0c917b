// SPDX-License-Identifier: MIT OR Apache-2.0
// Returns from inside nested loops and switches, in functions that are called in loops.
// glslc: -O0
//   push  u32 n
//   0.0   a: u32[n], read   0.1   out: u32[n], written
// Launch: n threads.
#version 450
layout(local_size_x = 64) in;

layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) writeonly buffer Out { uint results[]; };

// The first divisor of x in [low, high), or 0.
uint divisor(uint x, uint low, uint high) {
  for (uint outer = low; outer < high; outer += 4) {
    for (uint d = outer; d < outer + 4; ++d) {
      if (d >= high) return 0;
      if (x % d == 0) return d;
    }
  }
  return 0;
}

uint steps(uint x) {
  for (uint count = 0; ; ++count) {
    switch (x % 3) {
      case 0: if (x < 9) return count; x /= 3; break;
      case 1: if (count > 20) return 1000 + x; x = 2 * x + 1; break;
      default: return 500 + count;
    }
  }
}

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  uint x = a[i] % 5000 + 2, sum = 0;
  for (uint k = 0; k < 4; ++k) {
    uint d = divisor(x + k, 2, 24);
    if (d == 0) {
      results[i] = sum + steps(x + k);
      return;
    }
    sum = sum * 24 + d;
  }
  results[i] = sum;
}
