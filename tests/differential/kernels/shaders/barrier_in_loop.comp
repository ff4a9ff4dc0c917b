#version 450
// SPDX-License-Identifier: MIT OR Apache-2.0
// The workgroup repeats until a flag in shared memory says so; the barrier is in a callee too.
layout(local_size_x = 33) in;
layout(std430, binding = 0) buffer Out { uint result[]; };
shared uint value[33];
shared uint done;
void meet() { barrier(); }
void main() {
  uint l = gl_LocalInvocationIndex, rounds = 0u;
  value[l] = l;
  if (l == 0u) done = 0u;
  meet();
  while (done == 0u) {
    uint next = value[(l + 1u) % 33u];
    meet();
    value[l] = next;
    ++rounds;
    meet();
    if (l == 5u && value[0] == 20u) done = 1u;
    meet();
  }
  result[gl_GlobalInvocationID.x] = value[l] * 100u + rounds;
}
