// SPDX-License-Identifier: MIT OR Apache-2.0
// The k largest of each row and their places, in order; equal ones by place.
//   0.0  x: f32[rows * columns], read  0.1  values: f32[rows * k]  0.2  places: u32[rows * k], written
// Launch: one workgroup a row.
#version 450
layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0) readonly buffer X { float x[]; };
layout(set = 0, binding = 1) writeonly buffer V { float values[]; };
layout(set = 0, binding = 2) writeonly buffer P { uint places[]; };
layout(push_constant) uniform Parameters { uint columns, k; };
shared float best[gl_WorkGroupSize.x];
shared uint best_at[gl_WorkGroupSize.x];

void main() {
  const uint lane = gl_LocalInvocationID.x, size = gl_WorkGroupSize.x, row = gl_WorkGroupID.x;
  float last = 3.4e38;
  uint last_at = 0;
  for (uint round = 0; round < k; ++round) {
    float most = -3.4e38;
    uint at = 0xFFFFFFFFu;
    for (uint i = lane; i < columns; i += size) {
      const float v = x[row * columns + i];
      const bool is_left = round == 0 || v < last || (v == last && i > last_at);
      if (is_left && (v > most || at == 0xFFFFFFFFu)) {
        most = v;
        at = i;
      }
    }
    best[lane] = most;
    best_at[lane] = at;
    barrier();
    for (uint s = size / 2; s > 0; s >>= 1) {
      if (lane < s) {
        const float other = best[lane + s];
        const uint other_at = best_at[lane + s];
        if (other > best[lane] || (other == best[lane] && other_at < best_at[lane])) {
          best[lane] = other;
          best_at[lane] = other_at;
        }
      }
      barrier();
    }
    last = best[0];
    last_at = best_at[0];
    barrier();
    if (lane == 0) {
      values[row * k + round] = last;
      places[row * k + round] = last_at;
    }
  }
}
