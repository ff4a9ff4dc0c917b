// SPDX-License-Identifier: MIT OR Apache-2.0
// Constant indices into arrays whose lengths overrides decide: one beyond the end is the last one,
// as an index is that nobody knows before the launch.
override n: u32 = 4;
override m: i32 = 2;
struct Pair {
  x: u32,
  y: array<u32, 3>,
}
var<workgroup> numbers: array<u32, n>;
var<workgroup> pairs: array<Pair, m + 1>;
@group(0) @binding(0) var<storage, read_write> out: array<u32>;

fn fifth(all: ptr<function, array<u32, 8>>) -> u32 {
  return (*all)[5];
}

@compute @workgroup_size(1)
fn main() {
  for (var i = 0u; i < n; i++) {
    numbers[i] = 100u + i;
  }
  for (var i = 0; i <= m; i++) {
    pairs[i].y[2] = 200u + u32(i);
  }
  let seven = 7;
  out[0] = numbers[0];
  out[1] = numbers[5];
  out[2] = numbers[seven];
  out[3] = pairs[1].y[2];
  out[4] = pairs[3].y[2];
  numbers[6] = 300u;
  out[5] = numbers[n - 1u];
  var own: array<u32, 8>;
  own[5] = 7u;
  out[6] = fifth(&own);
}
