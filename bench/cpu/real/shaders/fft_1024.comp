// SPDX-License-Identifier: MIT OR Apache-2.0
// Complex FFT of 1024 points, radix 4, one transform a workgroup, exchange through Workgroup memory.
//   0.0  in: vec2[batch * 1024], read   0.1  out: vec2[batch * 1024], written
// Launch: one workgroup of 256 for each transform.
#version 450
layout(local_size_x = 256) in;
layout(set = 0, binding = 0) readonly buffer In { vec2 from[]; };
layout(set = 0, binding = 1) writeonly buffer Out { vec2 to[]; };
layout(push_constant) uniform Parameters { float sign_; };
shared float re[1024];
shared float im[1024];

vec2 mul(vec2 a, vec2 b) { return vec2(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x); }

void main() {
  const uint t = gl_LocalInvocationID.x, base = gl_WorkGroupID.x * 1024;
  vec2 v[4];
  for (uint i = 0; i < 4; ++i) v[i] = from[base + t + i * 256];
  for (uint stage = 1; stage < 1024; stage *= 4) {
    const uint j = t % stage;
    const float angle = sign_ * 6.28318530717958647692 * float(j) / float(stage * 4);
    vec2 w1 = vec2(cos(angle), sin(angle));
    vec2 w2 = mul(w1, w1), w3 = mul(w2, w1);
    vec2 b1 = mul(v[1], w1), b2 = mul(v[2], w2), b3 = mul(v[3], w3);
    vec2 s0 = v[0] + b2, s1 = v[0] - b2, s2 = b1 + b3, s3 = b1 - b3;
    s3 = sign_ * vec2(-s3.y, s3.x);
    v[0] = s0 + s2;
    v[1] = s1 + s3;
    v[2] = s0 - s2;
    v[3] = s1 - s3;
    const uint at = (t / stage) * stage * 4 + j;
    for (uint i = 0; i < 4; ++i) {
      re[at + i * stage] = v[i].x;
      im[at + i * stage] = v[i].y;
    }
    barrier();
    for (uint i = 0; i < 4; ++i) v[i] = vec2(re[t + i * 256], im[t + i * 256]);
    barrier();
  }
  for (uint i = 0; i < 4; ++i) to[base + t + i * 256] = v[i];
}
