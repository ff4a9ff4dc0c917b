// SPDX-License-Identifier: MIT OR Apache-2.0
#version 450
// Numbers that are the same for all lanes of a register, but begin at other places in each of the
// registers that move together, for registers of 4, 8 and 16 lanes.
layout(local_size_x = 64) in;
layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) buffer Out { uint results[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  uint four = i / 8 * 2 + (i & 3), eight = i / 16 * 4 + (i & 7), sixteen = i / 32 * 8 + (i & 15);
  uint sum = (four >> 2) + (eight >> 3) * 100 + (sixteen >> 4) * 10000;
  sum += a[four / 4] + a[eight / 8] * 3 + a[sixteen / 16] * 5;
  uint low = (i & 7) + (i & 8) * 2 + (i & 16) * 4 + (i & 32) * 8;
  sum += (low >> 3) * 7 + (low & 31) * 11;
  uint row = (i & 31) + i / 64 * 32;
  sum += (row / 4 & 7) * 13 + a[row >> 4] + a[(i / 4 & 12) + (i & 3)];
  results[i] = sum;
}
