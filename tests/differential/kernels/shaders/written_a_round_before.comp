#version 450
// SPDX-License-Identifier: MIT OR Apache-2.0
// What a round reads of private arrays, the round before has written, further down.
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) buffer Results { int results[]; };
layout(set = 0, binding = 1) readonly buffer Rounds { int rounds; };

void main() {
  const int own = int(gl_GlobalInvocationID.x);
  int last[2], ring[4], sum = 0;
  for (int i = 0; i < rounds; ++i) {
    if (i > 0) {
      const int before = last[0] + 1;
      sum += -before;
      sum += before > 3 ? before : i;
    }
    last[0] = i * 2;
    if (i >= 4) {
      const int old = ring[(i + own) & 3];
      sum += -old;
      sum ^= old > 20 ? old : -old;
    }
    ring[i & 3] = i * (own + 1);
  }
  results[own] = sum;
}
