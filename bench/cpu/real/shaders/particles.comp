// SPDX-License-Identifier: MIT OR Apache-2.0
// A step of particles on structures of 48 bytes: drag, a floor that they bounce from, a life that ends.
//   0.0  particles: structures[n], read and written
// Launch: ceil(n / size) workgroups.
#version 450
layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
struct Particle {
  vec3 position;
  float life;
  vec3 velocity;
  float mass;
  vec4 colour;
};
layout(set = 0, binding = 0) buffer P { Particle particles[]; };
layout(push_constant) uniform Parameters { vec4 gravity; vec4 wind; uint n; float dt, drag, bounce; };

void main() {
  const uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  Particle p = particles[i];
  p.life -= dt;
  if (p.life <= 0.0) {
    p.position = vec3(0.0, 1.0, 0.0);
    p.velocity = vec3(float(i & 15) * 0.125 - 1.0, 2.0, float(i >> 4 & 15) * 0.125 - 1.0);
    p.life = 4.0;
    p.colour = vec4(1.0);
  } else {
    const vec3 relative = wind.xyz - p.velocity;
    p.velocity += dt * (gravity.xyz + relative * length(relative) * drag / p.mass);
    p.position += dt * p.velocity;
    if (p.position.y < 0.0) {
      p.position.y = -p.position.y * bounce;
      p.velocity = reflect(p.velocity, vec3(0.0, 1.0, 0.0)) * bounce;
    }
    p.colour = mix(p.colour, vec4(0.0, 0.0, 1.0, 0.0), dt);
  }
  particles[i] = p;
}
