// SPDX-License-Identifier: MIT OR Apache-2.0
// One Euler step of n bodies under gravity, all pairs, 64 bodies at a time in shared memory.
//   push  u32 n; f32 dt, softening2 (squared softening length)
//   0.0   positions: vec4[n] (xyz, mass), read
//   0.1   velocities: vec4[n], read and written
//   0.2   moved: vec4[n], written
// Launch: n threads.
#version 450
const uint kTile = 64;
layout(local_size_x = kTile) in;

layout(push_constant) uniform Params { uint n; float dt, softening2; };
layout(set = 0, binding = 0) readonly buffer Positions { vec4 positions[]; };
layout(set = 0, binding = 1) buffer Velocities { vec4 velocities[]; };
layout(set = 0, binding = 2) writeonly buffer Moved { vec4 moved[]; };

shared vec4 tile[kTile];

void main() {
  uint i = gl_GlobalInvocationID.x, lane = gl_LocalInvocationID.x;
  vec4 self = i < n ? positions[i] : vec4(0.0);
  vec3 acceleration = vec3(0.0);
  for (uint start = 0; start < n; start += kTile) {
    tile[lane] = start + lane < n ? positions[start + lane] : vec4(0.0);
    barrier();
    for (uint j = 0; j < kTile; ++j) {
      vec3 away = tile[j].xyz - self.xyz;
      float inverse = inversesqrt(dot(away, away) + softening2);
      acceleration += away * (tile[j].w * inverse * inverse * inverse);
    }
    barrier();
  }
  if (i >= n) return;
  vec3 velocity = velocities[i].xyz + acceleration * dt;
  velocities[i] = vec4(velocity, 0.0);
  moved[i] = vec4(self.xyz + velocity * dt, self.w);
}
