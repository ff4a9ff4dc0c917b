// SPDX-License-Identifier: MIT OR Apache-2.0
// One direction of a separable Gaussian blur of an RGBA image; the workgroup's pixels and
// a halo on both sides are staged in shared memory. Pixels beyond the edge repeat the edge.
//   push  u32 width, height, radius (at most 32), vertical (0 or 1); f32 sigma
//   0.0   from: vec4[height * width], read   0.1  to: vec4[height * width], written
// Launch: ceil(width / 128) x height workgroups; for vertical, ceil(height / 128) x width.
#version 450
const uint kSpan = 128, kMaxRadius = 32;
layout(local_size_x = kSpan) in;

layout(push_constant) uniform Params { uint width, height, radius, vertical; float sigma; };
layout(set = 0, binding = 0) readonly buffer From { vec4 from[]; };
layout(set = 0, binding = 1) writeonly buffer To { vec4 to[]; };

shared vec4 line[kSpan + 2 * kMaxRadius];
shared float weights[kMaxRadius + 1];

void main() {
  uint lane = gl_LocalInvocationID.x;
  uint row = gl_WorkGroupID.y, base = gl_WorkGroupID.x * kSpan;
  uint length = vertical != 0 ? height : width;
  uint start = vertical != 0 ? row : row * width, stride = vertical != 0 ? width : 1;
  int reach = int(min(radius, kMaxRadius));

  for (uint i = lane; i < kSpan + 2 * uint(reach); i += kSpan) {
    int at = clamp(int(base + i) - reach, 0, int(length) - 1);
    line[i] = from[start + uint(at) * stride];
  }
  if (lane <= uint(reach)) {
    float x = float(lane) / sigma;
    weights[lane] = exp(-0.5 * x * x);
  }
  barrier();
  if (base + lane >= length) return;

  vec4 sum = line[lane + uint(reach)] * weights[0];
  float total = weights[0];
  for (int i = 1; i <= reach; ++i) {
    uint center = lane + uint(reach);
    sum += (line[center - uint(i)] + line[center + uint(i)]) * weights[i];
    total += 2.0 * weights[i];
  }
  to[start + (base + lane) * stride] = sum / total;
}
