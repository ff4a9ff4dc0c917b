// SPDX-License-Identifier: MIT OR Apache-2.0
// A recurrent kernel: a state of HEAD values for each invocation in private memory, a step a token.
//   0.0  k  0.1  v  0.2  r: f32[tokens * heads * HEAD]  0.3  decay and bonus: vec2[heads * HEAD], read
//   0.4  state: f32[heads * HEAD * HEAD], read  0.5  out: f32[tokens * heads * HEAD], written
// Launch: heads workgroups of HEAD.
#version 450
layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(constant_id = 0) const uint HEAD = 64;
layout(set = 0, binding = 0) readonly buffer K { float k[]; };
layout(set = 0, binding = 1) readonly buffer V { float v[]; };
layout(set = 0, binding = 2) readonly buffer R { float r[]; };
layout(set = 0, binding = 3) readonly buffer D { vec2 decay_bonus[]; };
layout(set = 0, binding = 4) readonly buffer S { float initial[]; };
layout(set = 0, binding = 5) writeonly buffer O { float result[]; };
layout(push_constant) uniform Parameters { uint tokens, heads; };
shared float now_k[HEAD], now_r[HEAD], decay[HEAD], bonus[HEAD];

void main() {
  const uint lane = gl_LocalInvocationID.x, head = gl_WorkGroupID.x;
  float state[HEAD];
  for (uint i = 0; i < HEAD; ++i) state[i] = initial[(head * HEAD + i) * HEAD + lane];
  decay[lane] = decay_bonus[head * HEAD + lane].x;
  bonus[lane] = decay_bonus[head * HEAD + lane].y;
  for (uint t = 0; t < tokens; ++t) {
    const uint at = (t * heads + head) * HEAD;
    barrier();
    now_k[lane] = k[at + lane];
    now_r[lane] = r[at + lane];
    barrier();
    const float mine = v[at + lane];
    float y = 0.0;
    for (uint i = 0; i < HEAD; ++i) {
      const float kv = now_k[i] * mine;
      y = fma(now_r[i], fma(bonus[i], kv, state[i]), y);
      state[i] = fma(state[i], decay[i], kv);
    }
    result[at + lane] = y;
  }
}
