// SPDX-License-Identifier: MIT OR Apache-2.0
// Layouts: vectors of three, matrices, structures in arrays, a fixed part before an array without
// a length, and blocks of one number.
struct Point {
  at: vec3<f32>,
  weight: f32,
  box: array<vec2<u32>, 2>,
}
struct Cloud {
  scale: mat2x3<f32>,
  count: u32,
  points: array<Point>,
}
struct View {
  turn: mat4x4<f32>,
  move_by: vec3<f32>,
}
@group(0) @binding(0) var<uniform> view: View;
@group(0) @binding(1) var<storage, read> cloud: Cloud;
@group(0) @binding(2) var<storage, read_write> moved: array<vec3<f32>>;
@group(2) @binding(5) var<storage, read_write> counts: vec4<u32>;
var<immediate> limit: u32;

@compute @workgroup_size(4, 2, 1)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) group: vec3<u32>) {
  let i = group.x * 8u + local;
  if i >= min(cloud.count, limit) {
    return;
  }
  let point = cloud.points[i];
  let turned = view.turn * vec4<f32>(point.at, 1.0);
  moved[i] = turned.xyz + view.move_by + cloud.scale * vec2<f32>(point.weight, 1.0);
  if i == 0u {
    counts = vec4<u32>(arrayLength(&cloud.points), arrayLength(&moved), point.box[1].x, limit);
  }
}
