// SPDX-License-Identifier: MIT OR Apache-2.0
// Loops, switches, calls, arrays indexed by what is computed, integers of both kinds.
const TABLE = array<i32, 5>(3, -1, 4, -1, 5);
@group(0) @binding(0) var<storage, read> numbers: array<u32>;
@group(0) @binding(1) var<storage, read_write> results: array<i32>;

fn steps(start: u32) -> i32 {
  var n = start;
  var count = 0;
  loop {
    if n <= 1u || count >= 200 {
      break;
    }
    if n % 2u == 0u {
      n = n / 2u;
      continue;
    }
    n = 3u * n + 1u;
    continuing {
      count = count + 1;
    }
  }
  return count;
}

@compute @workgroup_size(16)
fn collatz(@builtin(global_invocation_id) id: vec3<u32>) {
  let n = numbers[id.x];
  var last = array<i32, 4>(0, 0, 0, 0);
  for (var i = 0u; i < 7u; i++) {
    last[(n + i) % 4u] += TABLE[i % 5u] << (i & 3u);
  }
  var result = steps(n) + last[n & 3u];
  switch n % 5u {
    case 0u: { result = -result; }
    case 1u, 2u: { result = result * 2; }
    default: { result = result ^ i32(countOneBits(n)); }
  }
  results[id.x] = result / 3 - result % 7;
}

@compute @workgroup_size(8)
fn doubled(@builtin(global_invocation_id) id: vec3<u32>) {
  results[id.x] = i32(numbers[id.x] << 1u);
}
