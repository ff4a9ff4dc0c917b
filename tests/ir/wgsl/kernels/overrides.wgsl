// SPDX-License-Identifier: MIT OR Apache-2.0
// Overrides wherever they may stand: computed of others, as lengths, indices, distances to shift,
// cases of a switch, initial values, in functions that call each other, for several entry points.
override n: u32 = 4;
override m: i32 = -3;
override f: f32 = 2.5;
override flag: bool = true;
override both = n * 2u + u32(m + 7);
override most = max(both, 9u);
override neither = !flag && (m < 0);
override chosen = select(3u, n, flag);
struct Item {
  x: f32,
  y: array<u32, 3>,
}
var<workgroup> items: array<Item, both>;
var<workgroup> last: array<u32, m + 5>;
var<private> kept: vec3<u32> = vec3<u32>(n, 1u, both);
@group(0) @binding(0) var<storage, read_write> out: array<f32>;

fn inner() -> u32 {
  var k = n << 2u;
  var a = array<u32, 3>(n, both, 7u);
  a[n % 3u] += 1u;
  return k + a[1];
}

fn outer(x: u32) -> u32 {
  return inner() + (1u << n) + x;
}

@compute @workgroup_size(both, chosen)
fn main(@builtin(local_invocation_index) local: u32) {
  var v = vec2<f32>(f, f32(n));
  var sum = f32(n) * 2.0;
  var turned = neither;
  if local < both {
    items[local].x = f + f32(local);
    items[local].y[n % 3u] = outer(local);
  }
  if local == 0u {
    last[u32(m + 4)] = most;
  }
  workgroupBarrier();
  for (var i = 0u; i < n; i++) {
    v.x += f * f32(i);
    if turned {
      sum -= 1.0;
    }
  }
  switch m {
    case -3: { v.y = 1.0; }
    case -1: { v.y = 64.0; }
    default: {}
  }
  if local == 0u {
    out[0] = v.x;
    out[1] = v.y;
    out[2] = sum;
    out[3] = f32(kept.z);
    out[4] = items[both - 1u].x;
    out[5] = f32(items[n].y[n % 3u]);
    out[6] = f32(last[u32(m + 4)]);
    out[7] = f32(chosen);
  }
}

@compute @workgroup_size(1, n)
fn second(@builtin(local_invocation_index) local: u32) {
  out[local] = f32(inner());
}

@compute @workgroup_size(3)
fn third(@builtin(local_invocation_index) local: u32) {
  out[local] = f;
}
