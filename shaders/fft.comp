// SPDX-License-Identifier: MIT OR Apache-2.0
// Forward FFT of 256 complex values a workgroup, radix 2, in shared memory.
//   0.0   data: vec2[workgroups * 256] (real, imaginary), read and written
// Launch: one workgroup a transform.
#version 450
const uint kSize = 256;
layout(local_size_x = kSize / 2) in;

layout(set = 0, binding = 0) buffer Data { vec2 data[]; };

shared vec2 values[kSize];

void main() {
  uint lane = gl_LocalInvocationID.x, base = gl_WorkGroupID.x * kSize;
  for (uint i = lane; i < kSize; i += kSize / 2) {
    values[bitfieldReverse(i) >> 24] = data[base + i];
  }
  for (uint half_size = 1; half_size < kSize; half_size *= 2) {
    barrier();
    uint position = lane % half_size, low = 2 * (lane - position) + position;
    float angle = -3.14159265358979 * float(position) / float(half_size);
    vec2 twiddle = vec2(cos(angle), sin(angle));
    vec2 a = values[low], b = values[low + half_size];
    b = vec2(b.x * twiddle.x - b.y * twiddle.y, b.x * twiddle.y + b.y * twiddle.x);
    values[low] = a + b;
    values[low + half_size] = a - b;
  }
  barrier();
  for (uint i = lane; i < kSize; i += kSize / 2) data[base + i] = values[i];
}
