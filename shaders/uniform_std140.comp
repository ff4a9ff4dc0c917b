// SPDX-License-Identifier: MIT OR Apache-2.0
// Reads a std140 uniform block: padded arrays, nested structures, both matrix orders.
//   1.0   Settings, uniform       0.0   out: f32[64], written
// Launch: 1 workgroup.
#version 450
layout(local_size_x = 1) in;

struct Light { vec3 position; float power; vec2 size; };

layout(std140, set = 1, binding = 0) uniform Settings {
  float gain;
  vec3 tint;
  float weights[3];
  Light lights[2];
  mat3 turn;
  layout(row_major) mat2x3 skew;
  ivec2 counts;
  bool flip;
} settings;

layout(set = 0, binding = 0) writeonly buffer Out { float results[64]; };

void main() {
  uint at = 0;
  results[at++] = settings.gain;
  for (int i = 0; i < 3; ++i) results[at++] = settings.tint[i];
  for (int i = 0; i < 3; ++i) results[at++] = settings.weights[i];
  for (int i = 0; i < 2; ++i) {
    Light light = settings.lights[i];
    for (int j = 0; j < 3; ++j) results[at++] = light.position[j];
    results[at++] = light.power;
    results[at++] = light.size.x;
    results[at++] = light.size.y;
  }
  for (int c = 0; c < 3; ++c)
    for (int r = 0; r < 3; ++r) results[at++] = settings.turn[c][r];
  for (int c = 0; c < 2; ++c)
    for (int r = 0; r < 3; ++r) results[at++] = settings.skew[c][r];
  vec3 turned = settings.turn * settings.tint;
  for (int i = 0; i < 3; ++i) results[at++] = turned[i];
  results[at++] = float(settings.counts.x - settings.counts.y);
  results[at++] = settings.flip ? 1.0 : -1.0;
  while (at < 64) results[at++] = 0.0;
}
