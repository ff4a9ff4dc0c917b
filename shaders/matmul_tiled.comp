// SPDX-License-Identifier: MIT OR Apache-2.0
// C = A * B, row-major f32, through 16 x 16 tiles in shared memory.
//   push  u32 m, n, k     A is m x k, B is k x n, C is m x n; any sizes
//   0.0   A, read   0.1  B, read   0.2  C, written
// Launch: n x m threads.
#version 450
const uint kTile = 16;
layout(local_size_x = kTile, local_size_y = kTile) in;

layout(push_constant) uniform Params { uint m, n, k; };
layout(set = 0, binding = 0) readonly buffer A { float a[]; };
layout(set = 0, binding = 1) readonly buffer B { float b[]; };
layout(set = 0, binding = 2) writeonly buffer C { float c[]; };

shared float tile_a[kTile][kTile], tile_b[kTile][kTile];

void main() {
  uint col = gl_GlobalInvocationID.x, row = gl_GlobalInvocationID.y;
  uint tx = gl_LocalInvocationID.x, ty = gl_LocalInvocationID.y;
  float sum = 0.0;
  for (uint start = 0; start < k; start += kTile) {
    tile_a[ty][tx] = row < m && start + tx < k ? a[row * k + start + tx] : 0.0;
    tile_b[ty][tx] = col < n && start + ty < k ? b[(start + ty) * n + col] : 0.0;
    barrier();
    for (uint i = 0; i < kTile; ++i) sum += tile_a[ty][i] * tile_b[i][tx];
    barrier();
  }
  if (row < m && col < n) c[row * n + col] = sum;
}
