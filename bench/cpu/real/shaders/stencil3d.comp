// SPDX-License-Identifier: MIT OR Apache-2.0
// A step of the heat equation in 3-D, 7 points, tiles with a halo in Workgroup memory; borders repeat.
//   0.0  from: f32[depth][height][width], read  0.1  to: the same, written
// Launch: ceil(width / TX), ceil(height / TY), ceil(depth / TZ) workgroups.
#version 450
layout(constant_id = 0) const uint TX = 16;
layout(constant_id = 1) const uint TY = 8;
layout(constant_id = 2) const uint TZ = 4;
layout(local_size_x_id = 0, local_size_y_id = 1, local_size_z_id = 2) in;
layout(set = 0, binding = 0) readonly buffer From { float from[]; };
layout(set = 0, binding = 1) writeonly buffer To { float to[]; };
layout(push_constant) uniform Parameters { int width, height, depth; float rate; };
shared float tile[(TZ + 2) * (TY + 2) * (TX + 2)];

void main() {
  const ivec3 corner = ivec3(gl_WorkGroupID) * ivec3(TX, TY, TZ) - 1;
  const ivec3 top = ivec3(width, height, depth) - 1;
  for (uint i = gl_LocalInvocationIndex; i < (TZ + 2) * (TY + 2) * (TX + 2); i += TX * TY * TZ) {
    const ivec3 at = clamp(corner + ivec3(i % (TX + 2), i / (TX + 2) % (TY + 2), i / ((TX + 2) * (TY + 2))), ivec3(0), top);
    tile[i] = from[(at.z * height + at.y) * width + at.x];
  }
  barrier();
  const ivec3 at = ivec3(gl_GlobalInvocationID);
  if (any(greaterThan(at, top))) return;
  const uvec3 l = gl_LocalInvocationID + 1;
  const uint c = (l.z * (TY + 2) + l.y) * (TX + 2) + l.x;
  const float around = tile[c - 1] + tile[c + 1] + tile[c - (TX + 2)] + tile[c + (TX + 2)] +
                       tile[c - (TX + 2) * (TY + 2)] + tile[c + (TX + 2) * (TY + 2)];
  to[(at.z * height + at.y) * width + at.x] = tile[c] + rate * (around - 6.0 * tile[c]);
}
