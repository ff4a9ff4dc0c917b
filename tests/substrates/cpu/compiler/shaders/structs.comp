// SPDX-License-Identifier: MIT OR Apache-2.0
#version 450
layout(local_size_x = 64) in;
struct Inner { vec3 v; uint w; };
struct Item { uint tag; Inner inner[2]; uvec2 tail; };
layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0, std430) readonly buffer A { Item items[]; };
layout(set = 0, binding = 1) buffer Out { uint results[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  Item item = items[i / 24];
  results[i] = item.tag + item.inner[i & 1].w * 3 + floatBitsToUint(items[i / 30].inner[1].v.z) + items[i / 40].tail.y;
}
