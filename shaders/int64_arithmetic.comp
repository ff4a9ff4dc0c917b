// SPDX-License-Identifier: MIT OR Apache-2.0
// 64-bit integers: arithmetic, division, shifts, comparison, conversion.
//   push  u32 n
//   0.0   a: i64[n], read   0.1   b: u64[n], read   0.2   out: i64[8 * n], written
// Launch: n threads.
#version 450
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
layout(local_size_x = 64) in;

layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { int64_t a[]; };
layout(set = 0, binding = 1) readonly buffer B { uint64_t b[]; };
layout(set = 0, binding = 2) writeonly buffer Out { int64_t results[]; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  int64_t x = a[i];
  uint64_t y = b[i];
  uint64_t divisor = (y >> 20) | 1ul;
  int shift = int(y & 63ul);
  uvec2 halves = unpack32(y);
  results[8 * i + 0] = x + int64_t(y);
  results[8 * i + 1] = x * int64_t(y);
  results[8 * i + 2] = int64_t(uint64_t(x) / divisor);
  results[8 * i + 3] = int64_t(uint64_t(x) % divisor);
  results[8 * i + 4] = x >> shift;
  results[8 * i + 5] = int64_t(uint64_t(x) >> shift) ^ (int64_t(halves.x) << 3);
  results[8 * i + 6] = min(max(x, -1000000000000l), int64_t(y >> 2));
  results[8 * i + 7] = x < int64_t(y) ? int64_t(int(halves.y)) : -x;
}
