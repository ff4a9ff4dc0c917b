#version 450
// SPDX-License-Identifier: MIT OR Apache-2.0
// One of every kind of binding, all that reflection has to report.
layout(local_size_x_id = 20, local_size_y = 2) in;
layout(local_size_x = 32) in;
layout(constant_id = 2) const float kScale = 2.5;
layout(constant_id = 5) const bool kFlip = true;
layout(std430, set = 0, binding = 0) readonly buffer Input { uint head; vec3 x[]; } source;
layout(std430, set = 0, binding = 1) writeonly buffer Output { vec4 y[]; };
layout(std430, set = 0, binding = 2) buffer Counter { uint counter; };
layout(std430, set = 0, binding = 3) buffer Measured { float only_its_length[]; };
layout(std140, set = 1, binding = 0) uniform Params { float gain; float curve[3]; };
layout(std430, set = 1, binding = 1) buffer Many { uint values[4]; } many[3];
layout(set = 2, binding = 0, rgba8) writeonly uniform image2D picture;
layout(set = 2, binding = 1) uniform sampler2D photo;
layout(push_constant) uniform Push {
  uint count;
  vec2 origin;
  mat2x3 turn;
  int steps[3];
  ivec4 box;
};

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= count || i >= only_its_length.length()) return;
  uint slot = atomicAdd(counter, 1);
  vec3 value = source.x[i] * gain * curve[i % 3] * kScale;
  y[slot] = vec4(kFlip ? value.zyx : value, float(steps[i % 3] + box.x));
  many[1].values[slot & 3] += 1;
  imageStore(picture, ivec2(i, 0), textureLod(photo, origin + (turn * vec2(1)).xy, 0));
}
