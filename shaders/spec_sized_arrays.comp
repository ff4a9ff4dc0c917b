#version 450
// SPDX-License-Identifier: MIT OR Apache-2.0
// Arrays whose lengths specialization constants decide.
layout(local_size_x_id = 1) in;
layout(local_size_x = 8) in;
layout(constant_id = 0) const uint kBytes = 32;
layout(constant_id = 2) const int kCopies = 3;
layout(set = 0, binding = 0) buffer Values { uint values[]; };
layout(set = 0, binding = 1) readonly buffer Table { uint more; uint weights[kCopies]; };
shared uint shifted[kBytes / 4];

void main() {
  uint i = gl_LocalInvocationID.x, at = gl_GlobalInvocationID.x;
  uint copies[kCopies];
  for (uint c = 0; c < kCopies; ++c) copies[c] = values[at] * weights[c];
  uint sum = more;
  for (uint c = 0; c < kCopies; ++c) sum += copies[(c + i) % kCopies];
  shifted[i] = sum;
  barrier();
  values[at] = shifted[(i + 1) % (kBytes / 4)];
}
