// SPDX-License-Identifier: MIT OR Apache-2.0
// Conversions between f32, i32 and u32, and reinterpretation of bits.
//   push  u32 n
//   0.0   a: f32[n], read; within the range of i32     0.1   words: u32[n], read
//   0.2   out: u32[8 * n], written
// Launch: n threads.
#version 450
layout(local_size_x = 64) in;

layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { float a[]; };
layout(set = 0, binding = 1) readonly buffer Words { uint words[]; };
layout(set = 0, binding = 2) writeonly buffer Out { uint results[]; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  float x = a[i];
  uint word = words[i];
  results[8 * i + 0] = uint(int(x));
  results[8 * i + 1] = uint(abs(x));
  results[8 * i + 2] = floatBitsToUint(float(word));
  results[8 * i + 3] = floatBitsToUint(float(int(word)));
  results[8 * i + 4] = floatBitsToUint(x) ^ word;
  results[8 * i + 5] = uint(intBitsToFloat(int(word & 0x4FFFFFFFu | 0x3F000000u)) > x);
  results[8 * i + 6] = uint(bool(word & 3u)) + uint(isnan(x)) + uint(isinf(x));
  results[8 * i + 7] = floatBitsToUint(float(bool(word & 1u)));
}
