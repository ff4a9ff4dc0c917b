#version 450
// SPDX-License-Identifier: MIT OR Apache-2.0
// Loops that look as if they counted to an end, and do not come to it.
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer In { uint data[]; } src;
layout(binding = 1) volatile buffer Out { uint data[]; } dst;
layout(push_constant) uniform Push { uint kind, most, least; };

void main() {
  uint id = gl_GlobalInvocationID.x, sum = 0;
  dst.data[id] = 1u;
  if (kind == 0) {
    for (uint i = 0; i <= most; ++i) sum = sum * 3u + src.data[i & 63u];
  } else if (kind == 1) {
    for (uint i = 0; i < most; i += 2) sum = sum * 3u + src.data[i & 63u];
  } else if (kind == 2) {
    for (uint i = most; i >= least; i += 0xFFFFFFFFu) sum = sum * 3u + src.data[i & 63u];
  } else {
    for (uint i = 0;; ++i) {
      sum = sum * 3u + src.data[i & 63u];
      if (src.data[(i + 1u) & 63u] == 7u) {
        if (i >= 10u) break;
      }
    }
  }
  dst.data[id] = sum;
}
