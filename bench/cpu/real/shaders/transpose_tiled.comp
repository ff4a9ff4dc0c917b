// SPDX-License-Identifier: MIT OR Apache-2.0
// to[x][y] = from[y][x] by tiles through Workgroup memory.
//   0.0  from: f32[height * width], read  0.1  to: f32[width * height], written
// Launch: ceil(width / TILE), ceil(height / TILE) workgroups of TILE x ROWS.
#version 450
layout(local_size_x_id = 0, local_size_y_id = 1, local_size_z = 1) in;
layout(constant_id = 2) const uint TILE = 32;
layout(set = 0, binding = 0) readonly buffer From { float from[]; };
layout(set = 0, binding = 1) writeonly buffer To { float to[]; };
layout(push_constant) uniform Parameters { uint width, height; };
shared float tile[TILE][TILE + 1];

void main() {
  const uvec2 lane = gl_LocalInvocationID.xy, corner = gl_WorkGroupID.xy * TILE;
  for (uint y = lane.y; y < TILE; y += gl_WorkGroupSize.y)
    if (corner.x + lane.x < width && corner.y + y < height)
      tile[y][lane.x] = from[(corner.y + y) * width + corner.x + lane.x];
  barrier();
  for (uint y = lane.y; y < TILE; y += gl_WorkGroupSize.y)
    if (corner.y + lane.x < height && corner.x + y < width)
      to[(corner.x + y) * height + corner.y + lane.x] = tile[lane.x][y];
}
