// SPDX-License-Identifier: MIT OR Apache-2.0
// Elements of two, three and four words, read and written up, down, apart and where data say, by all
// invocations and by some, within their binding and beyond its end.
#version 450
layout(local_size_x = 64) in;
layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer Words { uint a[]; };
layout(set = 0, binding = 0) readonly buffer Pairs { uvec2 pairs[]; };
layout(set = 0, binding = 0) readonly buffer Quads { uvec4 quads[]; };
struct Pixel { vec3 color; int depth; };
layout(set = 0, binding = 0) readonly buffer Pixels { Pixel pixels[]; };
layout(set = 0, binding = 1) buffer Out { uvec4 results[]; };
layout(set = 0, binding = 1) buffer OutPairs { uvec2 result_pairs[]; };

shared uvec4 near[64];
shared uvec2 near_pairs[64];

void main() {
  uint i = gl_GlobalInvocationID.x, lane = gl_LocalInvocationID.x;
  uvec4 sum = quads[i] + quads[n / 4 - i] * 3u;  // up; down, at first beyond the end
  sum.xy += pairs[i] ^ pairs[2 * i + 1] ^ pairs[n / 2 - 1 - i];
  sum.yzw += floatBitsToUint(pixels[i].color) + uint(pixels[i / 3].depth);
  sum ^= quads[a[i] % 40] + uvec4(pairs[a[i]], pairs[a[i] % 9]);
  near[63 - lane] = sum;
  near_pairs[lane ^ 5] = sum.zw;
  barrier();
  sum += near[(lane * 7 + a[lane]) & 63] + uvec4(near_pairs[lane], near_pairs[63 - lane]);
  barrier();
  if ((sum.x & 3u) != 0) {
    near[lane] = sum.wzyx;
    near_pairs[lane] = sum.yx;
  }
  barrier();
  sum += near[lane ^ 1] + uvec4(near_pairs[lane ^ 2], near_pairs[lane]);
  // Three parts of the binding, the last of which ends beyond it.
  uint few = n / 16 + 1;
  if (i < n / 8 && (sum.y & 1u) != 0) results[i % few] = uvec4(i % few);
  if (i < n / 16) result_pairs[n / 6 + i] = sum.xy + sum.zw;
  if (i >= n / 8 && i < n / 4 + 3) results[i] = sum;
}
