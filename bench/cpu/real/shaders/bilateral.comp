// SPDX-License-Identifier: MIT OR Apache-2.0
// A bilateral filter of radius RADIUS on bytes of RGBA.
//   0.0  from: u32[height * width], read  0.1  to: vec4[height * width], written
// Launch: ceil(width / size x), ceil(height / size y) workgroups.
#version 450
layout(local_size_x_id = 0, local_size_y_id = 1, local_size_z = 1) in;
layout(constant_id = 2) const int RADIUS = 2;
layout(set = 0, binding = 0) readonly buffer From { uint from[]; };
layout(set = 0, binding = 1) writeonly buffer To { vec4 to[]; };
layout(push_constant) uniform Parameters { int width, height; float by_distance, by_colour; };

void main() {
  const ivec2 at = ivec2(gl_GlobalInvocationID.xy);
  if (at.x >= width || at.y >= height) return;
  const vec4 mine = unpackUnorm4x8(from[at.y * width + at.x]);
  vec4 sum = vec4(0);
  float total = 0.0;
  for (int dy = -RADIUS; dy <= RADIUS; ++dy)
    for (int dx = -RADIUS; dx <= RADIUS; ++dx) {
      const ivec2 there = clamp(at + ivec2(dx, dy), ivec2(0), ivec2(width - 1, height - 1));
      const vec4 other = unpackUnorm4x8(from[there.y * width + there.x]);
      const vec3 d = other.rgb - mine.rgb;
      const float weight = exp(-float(dx * dx + dy * dy) * by_distance - dot(d, d) * by_colour);
      sum += weight * other;
      total += weight;
    }
  to[at.y * width + at.x] = sum / total;
}
