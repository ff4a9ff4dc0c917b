// SPDX-License-Identifier: MIT OR Apache-2.0
// Switches: fall-through chains, a default in the middle, nested in a loop with continue and
// return, 64 cases that share bodies.
//   push  u32 n
//   0.0   a: u32[n], read   0.1   out: u32[n], written
// Launch: n threads.
#version 450
layout(local_size_x = 64) in;

layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) writeonly buffer Out { uint results[]; };

uint classify(int x) {
  switch (x) {
    case -3: return 100;
    case 0: return 1;
    case 1:
    case 2: return 2;
    case 2147483647: return 3;
    case -2147483647 - 1: return 4;
  }
  return x < 0 ? 5 : 6;
}

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  uint x = a[i], value = 0;
  switch (x % 8) {
    case 0: value += 1;
    case 1: value += 10;
    case 5: value += 100; break;
    default: value += 1000;
    case 3: value += 10000;
    case 7: if ((x & 16) != 0) break; value += 100000;
  }
  for (uint step_index = 0; step_index < 6; ++step_index) {
    switch ((x >> (4 * step_index)) & 7) {
      case 0: continue;
      case 1: value ^= 0x55u; break;
      case 2: value += step_index;
      case 3: value *= 3; continue;
      case 4: if (value > 200000) { results[i] = value; return; } break;
      default: value -= 1;
    }
    value += 7;
  }
  results[i] = value + classify(int(x)) + classify(int(x % 5) - 2);
}
