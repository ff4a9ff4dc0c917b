// SPDX-License-Identifier: MIT OR Apache-2.0
// Functions that stay calls: in, out and inout parameters, arrays and structures by value and
// as results, nested calls, a private variable that they share.
// glslc: -O0 -g
//   push  u32 n
//   0.0   a: u32[n], read   0.1   out: u32[n], written
// Launch: n threads.
#version 450
layout(local_size_x = 64) in;

struct State { uint sum; uint history[4]; uvec3 last; };

layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) writeonly buffer Out { uint results[]; };

uint calls = 0;  // private to the invocation

void split(uint x, out uint low, out uint high) {
  ++calls;
  low = x & 0xFFFFu;
  high = x >> 16;
}

State advance(State state, uint x) {
  ++calls;
  for (int i = 3; i > 0; --i) state.history[i] = state.history[i - 1];
  state.history[0] = x;
  state.last = state.last.yzx + uvec3(x, 1, 2);
  state.sum += x * state.last.x;
  return state;
}

void stir(inout uint values[4], uint by) {
  ++calls;
  for (int i = 0; i < 4; ++i) {
    uint low, high;
    split(values[i] * by, low, high);
    values[(i + 1) % 4] ^= low + high;
  }
}

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  State state;
  state.sum = i;
  state.history = uint[](1, 2, 3, 4);
  state.last = uvec3(i, i + 1, i + 2);
  for (uint k = 0; k < 5; ++k) {
    state = advance(state, a[(i + k) % n]);
    stir(state.history, 2654435761u + k);
  }
  uint sum = state.sum;
  for (int k = 0; k < 4; ++k) sum = sum * 33 + state.history[k];
  results[i] = sum * 100 + calls;
}
