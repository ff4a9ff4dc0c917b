// SPDX-License-Identifier: MIT OR Apache-2.0
// Complex FFT of N points, radix 8 in registers, one transform a workgroup of N / 8.
//   0.0  in: vec2[batch * N], read   0.1  out: vec2[batch * N], written
// Launch: one workgroup for each transform.
#version 450
layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(constant_id = 1) const uint N = 4096;
layout(set = 0, binding = 0) readonly buffer In { vec2 from[]; };
layout(set = 0, binding = 1) writeonly buffer Out { vec2 to[]; };
layout(push_constant) uniform Parameters { float sign_; };
shared float staged[N];
const float HALF = 0.70710678118654752440;

vec2 mul(vec2 a, vec2 b) { return vec2(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x); }
vec2 turned(vec2 a) { return sign_ * vec2(-a.y, a.x); }
void two(inout vec2 a, inout vec2 b) {
  const vec2 t = a;
  a = t + b;
  b = t - b;
}
void four(inout vec2 a, inout vec2 b, inout vec2 c, inout vec2 d) {
  two(a, c);
  two(b, d);
  d = turned(d);
  two(a, b);
  two(c, d);
}
void eight(inout vec2 v[8]) {
  two(v[0], v[4]);
  two(v[1], v[5]);
  two(v[2], v[6]);
  two(v[3], v[7]);
  v[5] = mul(v[5], vec2(HALF, sign_ * HALF));
  v[6] = turned(v[6]);
  v[7] = mul(v[7], vec2(-HALF, sign_ * HALF));
  four(v[0], v[1], v[2], v[3]);
  four(v[4], v[5], v[6], v[7]);
}

void main() {
  const uint t = gl_LocalInvocationID.x, base = gl_WorkGroupID.x * N, count = N / 8;
  // Where eight() leaves its results.
  const uint order[8] = uint[8](0, 4, 2, 6, 1, 5, 3, 7);
  vec2 v[8];
  for (uint i = 0; i < 8; ++i) v[i] = from[base + t + i * count];
  for (uint stage = 1; stage < N; stage *= 8) {
    const uint j = t % stage;
    const float angle = sign_ * 6.28318530717958647692 * float(j) / float(stage * 8);
    for (uint i = 1; i < 8; ++i) v[i] = mul(v[i], vec2(cos(angle * float(i)), sin(angle * float(i))));
    eight(v);
    const uint at = (t / stage) * stage * 8 + j;
    for (uint i = 0; i < 8; ++i) staged[at + order[i] * stage] = v[i].x;
    barrier();
    for (uint i = 0; i < 8; ++i) v[i].x = staged[t + i * count];
    barrier();
    for (uint i = 0; i < 8; ++i) staged[at + order[i] * stage] = v[i].y;
    barrier();
    for (uint i = 0; i < 8; ++i) v[i].y = staged[t + i * count];
    barrier();
  }
  for (uint i = 0; i < 8; ++i) to[base + t + i * count] = v[i];
}
