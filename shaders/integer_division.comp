// SPDX-License-Identifier: MIT OR Apache-2.0
// Quotients and remainders, signed and unsigned. Dividing by zero and INT_MIN / -1 have no
// defined result but must not stop anything; their lanes write a fixed value instead.
//   push  u32 n
//   0.0   a: i32[n], read   0.1   b: i32[n], read   0.2   out: i32[4 * n], written
// Launch: n threads.
#version 450
layout(local_size_x = 64) in;

layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { int a[]; };
layout(set = 0, binding = 1) readonly buffer B { int b[]; };
layout(set = 0, binding = 2) writeonly buffer Out { int results[]; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  int x = a[i], y = b[i];
  bool defined = y != 0 && !(x == -2147483647 - 1 && y == -1);
  // Computed for every lane, kept where it is defined.
  int quotient = x / y, modulus = x % y;
  uint unsigned_quotient = uint(x) / uint(y), unsigned_modulus = uint(x) % uint(y);
  results[4 * i + 0] = defined ? quotient : 77;
  results[4 * i + 1] = defined && x >= 0 && y > 0 ? modulus : 77;
  results[4 * i + 2] = y != 0 ? int(unsigned_quotient) : 77;
  results[4 * i + 3] = y != 0 ? int(unsigned_modulus) : 77;
}
