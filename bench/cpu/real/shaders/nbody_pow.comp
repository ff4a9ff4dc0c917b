// SPDX-License-Identifier: MIT OR Apache-2.0
// One step of an n-body system with staged tiles: softened gravity by pow, as samples have it.
//   0.0  position: vec4[n] (w: mass), read   0.1  velocity: vec4[n], read and written
// Launch: ceil(n / size) workgroups.
#version 450
layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(constant_id = 1) const float POWER = 0.75;
layout(constant_id = 2) const float SOFTEN = 0.05;
layout(set = 0, binding = 0) readonly buffer P { vec4 position[]; };
layout(set = 0, binding = 1) buffer V { vec4 velocity[]; };
layout(push_constant) uniform Parameters { uint n; float dt; };
shared vec4 tile[gl_WorkGroupSize.x];

void main() {
  const uint i = gl_GlobalInvocationID.x;
  const vec4 mine = i < n ? position[i] : vec4(0);
  vec4 pull = vec4(0);
  for (uint first = 0; first < n; first += gl_WorkGroupSize.x) {
    tile[gl_LocalInvocationID.x] =
        first + gl_LocalInvocationID.x < n ? position[first + gl_LocalInvocationID.x] : vec4(0);
    barrier();
    for (uint j = 0; j < gl_WorkGroupSize.x; ++j) {
      const vec4 other = tile[j];
      const vec3 to = other.xyz - mine.xyz;
      pull.xyz += to * other.w / pow(dot(to, to) + SOFTEN, POWER);
    }
    barrier();
  }
  if (i < n) velocity[i].xyz += dt * pull.xyz;
}
