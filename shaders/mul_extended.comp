// SPDX-License-Identifier: MIT OR Apache-2.0
// 32 x 32 -> 64 bit products and carries.
//   push  u32 n
//   0.0   a: u32[n], read   0.1   b: u32[n], read   0.2   out: u32[8 * n], written
// Launch: n threads.
#version 450
layout(local_size_x = 64) in;

layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) readonly buffer B { uint b[]; };
layout(set = 0, binding = 2) writeonly buffer Out { uint results[]; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  uint high, low, carry, borrow;
  int signed_high, signed_low;
  umulExtended(a[i], b[i], high, low);
  imulExtended(int(a[i]), int(b[i]), signed_high, signed_low);
  uint sum = uaddCarry(a[i], b[i], carry);
  uint difference = usubBorrow(a[i], b[i], borrow);
  uint at = 8 * i;
  results[at + 0] = low;
  results[at + 1] = high;
  results[at + 2] = uint(signed_low);
  results[at + 3] = uint(signed_high);
  results[at + 4] = sum;
  results[at + 5] = carry;
  results[at + 6] = difference;
  results[at + 7] = borrow;
}
