#version 450
// SPDX-License-Identifier: MIT OR Apache-2.0
// Blocks with padding at their ends, an array of fixed length and push constants that are
// not all read: what callers may leave out or give beside.
layout(local_size_x = 32) in;
layout(constant_id = 0) const uint kAdd = 1;
layout(std430, set = 0, binding = 0) buffer Result { uint values[32]; };
layout(std430, set = 0, binding = 1) readonly buffer Matrix { mat3 m; };
layout(std140, set = 0, binding = 2) uniform Block { vec4 a; vec3 b; };
layout(std430, set = 0, binding = 3) buffer Unused { uint never[]; };
layout(push_constant) uniform Push {
  uint unread;
  uint scale;
  uvec3 beside[2];
};

void main() {
  uint i = gl_GlobalInvocationID.x;
  values[i] = i * scale + uint(m[2][2]) + uint(a.x + b.z) + kAdd;
}
