// SPDX-License-Identifier: MIT OR Apache-2.0
// Specialization constants of every kind, and what is computed from them: array sizes,
// loop bounds, branches and the workgroup size.
//   ids   0 u32 width (workgroup size), 1 i32 bias, 2 f32 factor, 3 bool negate, 4 u32 taps
//   push  u32 n
//   0.0   out: i32[8 * n], written
// Launch: n threads.
#version 450
layout(local_size_x_id = 0) in;
layout(constant_id = 1) const int bias = -7;
layout(constant_id = 2) const float factor = 1.5;
layout(constant_id = 3) const bool negate = false;
layout(constant_id = 4) const uint taps = 3;

// These become OpSpecConstantOp.
const int bias_scaled = bias * 3 + int(taps);
const uint taps_squared = taps * taps;
const bool large = taps_squared > 20 && !negate;
const int chosen = large ? bias_scaled : -bias_scaled;

layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) writeonly buffer Out { int results[]; };

shared uint lanes[gl_WorkGroupSize.x];

void main() {
  uint i = gl_GlobalInvocationID.x;
  lanes[gl_LocalInvocationID.x] = i;
  barrier();
  uint neighbour = lanes[gl_WorkGroupSize.x - 1 - gl_LocalInvocationID.x];
  if (i >= n) return;

  uint ring[taps];
  for (uint t = 0; t < taps; ++t) ring[t] = i * t;
  uint sum = 0;
  for (uint t = 0; t < taps; ++t) sum += ring[taps - 1 - t] * (t + 1);

  results[8 * i + 0] = bias_scaled;
  results[8 * i + 1] = int(taps_squared);
  results[8 * i + 2] = chosen;
  results[8 * i + 3] = int(float(i) * factor);
  results[8 * i + 4] = negate ? -int(i) : int(i);
  results[8 * i + 5] = int(sum);
  results[8 * i + 6] = int(gl_WorkGroupSize.x);
  results[8 * i + 7] = int(neighbour);
}
