// SPDX-License-Identifier: MIT OR Apache-2.0
// Transposes a row-major u32 matrix through a padded tile in shared memory.
//   push  u32 width, height       of the input
//   0.0   from: u32[height * width], read   0.1  to: u32[width * height], written
// Launch: width x height threads.
#version 450
layout(local_size_x = 16, local_size_y = 16) in;

layout(push_constant) uniform Params { uint width, height; };
layout(set = 0, binding = 0) readonly buffer From { uint from[]; };
layout(set = 0, binding = 1) writeonly buffer To { uint to[]; };

shared uint tile[16][17];

void main() {
  uvec2 local = gl_LocalInvocationID.xy, at = gl_GlobalInvocationID.xy;
  if (at.x < width && at.y < height) tile[local.y][local.x] = from[at.y * width + at.x];
  barrier();
  uvec2 out_at = gl_WorkGroupID.yx * 16 + local;
  if (out_at.x < height && out_at.y < width) to[out_at.y * height + out_at.x] = tile[local.x][local.y];
}
