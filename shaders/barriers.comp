// SPDX-License-Identifier: MIT OR Apache-2.0
// Barriers in a loop, in conditionals of uniform condition and in called functions.
// glslc: -O0
//   push  u32 rounds
//   0.0   out: u32[workgroups * 64], written
// Launch: any number of workgroups.
#version 450
layout(local_size_x = 64) in;

layout(push_constant) uniform Params { uint rounds; };
layout(set = 0, binding = 0) writeonly buffer Out { uint results[]; };

shared uint ring[64];
shared uint go_on;

// Everybody's value moves `by` places; the barriers are in here.
uint rotate(uint value, uint by) {
  uint lane = gl_LocalInvocationID.x;
  barrier();
  ring[lane] = value;
  barrier();
  return ring[(lane + by) % 64];
}

void main() {
  uint lane = gl_LocalInvocationID.x;
  uint value = lane * lane + gl_WorkGroupID.x;
  for (uint i = 0; i < rounds; ++i) {
    if (i % 3 == 0) {
      value = rotate(value, i + 1) * 3 + lane;
    } else if (i % 3 == 1) {
      for (uint j = 0; j <= i % 4; ++j) value ^= rotate(value + j, 7);
    } else {
      value += i;
      memoryBarrierShared();
    }
  }
  // A loop that ends by a flag in shared memory.
  uint turns = 0;
  for (;;) {
    barrier();
    if (lane == turns % 64) go_on = turns < gl_WorkGroupID.x + 2 ? 1 : 0;
    barrier();
    if (go_on == 0) break;
    ++turns;
    value = rotate(value, 1) + turns;
  }
  results[gl_GlobalInvocationID.x] = value;
}
