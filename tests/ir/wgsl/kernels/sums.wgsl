// SPDX-License-Identifier: MIT OR Apache-2.0
// Sums of blocks in workgroup memory; the largest of all by an atomic. How many invocations work
// on a block is the launch's affair, and so is what the sums are multiplied by.
@id(7) override width: u32 = 32;
override half = width / 2u;
override factor: i32 = 3;
override negate: bool = false;
override offset: f32 = 0.5;
@group(0) @binding(0) var<storage, read> numbers: array<i32>;
@group(0) @binding(1) var<storage, read_write> sums: array<i32>;
@group(1) @binding(0) var<storage, read_write> largest: atomic<i32>;
@group(1) @binding(3) var<storage, read_write> shown: array<f32>;
var<workgroup> parts: array<i32, width>;
var<workgroup> spare: array<vec4<f32>, half + 1u>;
var<private> added: i32 = factor;

fn total(slot: u32) -> i32 {
  var distance = half;
  while distance > 0u {
    if slot < distance {
      parts[slot] += parts[slot + distance];
    }
    workgroupBarrier();
    distance = distance >> 1u;
  }
  return parts[0];
}

@compute @workgroup_size(width)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(workgroup_id) group: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  parts[local] = numbers[id.x];
  spare[local >> 1u].y = f32(local);
  workgroupBarrier();
  var sum = total(local) * factor;
  if negate {
    sum = -sum;
  }
  if local == 0u {
    sums[group.x] = sum + added;
    atomicMax(&largest, sum);
    shown[group.x] = offset + spare[half - 1u].y;
  }
}
