// SPDX-License-Identifier: MIT OR Apache-2.0
// Bit fields, counts, searches, reversal and shifts.
//   push  u32 n
//   0.0   a: u32[n], read   0.1   out: u32[12 * n], written
// Launch: n threads.
#version 450
layout(local_size_x = 64) in;

layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) writeonly buffer Out { uint results[]; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  uint x = a[i];
  int offset = int(i % 33), bits = int((i * 7) % uint(33 - offset));
  uint at = 12 * i;
  results[at + 0] = bitfieldExtract(x, offset, bits);
  results[at + 1] = uint(bitfieldExtract(int(x), offset, bits));
  results[at + 2] = bitfieldInsert(x, 0xA5C396F0u, offset, bits);
  results[at + 3] = bitfieldReverse(x);
  results[at + 4] = uint(bitCount(x));
  results[at + 5] = uint(findLSB(x));
  results[at + 6] = uint(findMSB(x));
  results[at + 7] = uint(findMSB(int(x)));
  results[at + 8] = x << (i % 32);
  results[at + 9] = x >> (i % 32);
  results[at + 10] = uint(int(x) >> (i % 32));
  results[at + 11] = (~x & 0xFF00FF00u) | (x ^ (x << 1));
}
