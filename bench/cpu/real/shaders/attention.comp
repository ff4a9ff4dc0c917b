// SPDX-License-Identifier: MIT OR Apache-2.0
// glslc: --target-env=vulkan1.2
// Attention with an online softmax: tiles of BR queries by BC keys, keys and values in f16.
//   0.0  q: f32[heads][queries][HEAD], read  0.1  keys: f16[heads][keys][HEAD], read
//   0.2  values: f16[heads][keys][HEAD], read  0.3  mask: f32[queries][keys], read
//   0.4  out: f32[heads][queries][HEAD], written
// Launch: ceil(queries / BR), heads workgroups.
#version 450
#extension GL_EXT_shader_16bit_storage : require
layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(constant_id = 1) const uint BR = 8;
layout(constant_id = 2) const uint BC = 32;
layout(constant_id = 3) const uint HEAD = 64;
layout(constant_id = 4) const uint SPLIT = 8;  // lanes that share a row's head elements

layout(set = 0, binding = 0) readonly buffer Q { vec4 q[]; };
layout(set = 0, binding = 1) readonly buffer K { f16vec4 keys[]; };
layout(set = 0, binding = 2) readonly buffer V { f16vec4 values[]; };
layout(set = 0, binding = 3) readonly buffer M { float mask[]; };
layout(set = 0, binding = 4) writeonly buffer O { vec4 result[]; };
layout(push_constant) uniform Parameters { uint queries, count; float scale; };

const uint PER = HEAD / 4 / SPLIT;  // vec4s a lane
shared vec4 tile_q[BR * (HEAD / 4 + 1)];
shared float scores[BR][BC + 1];

void main() {
  const uint lane = gl_LocalInvocationID.x;
  const uint d = lane % SPLIT, r = lane / SPLIT;  // r: 0 to size / SPLIT - 1
  const uint rows = gl_WorkGroupSize.x / SPLIT;
  const uint head = gl_WorkGroupID.y, query0 = gl_WorkGroupID.x * BR;
  for (uint i = lane; i < BR * HEAD / 4; i += gl_WorkGroupSize.x) {
    const uint row = i / (HEAD / 4), column = i % (HEAD / 4);
    tile_q[row * (HEAD / 4 + 1) + column] =
        query0 + row < queries ? q[(head * queries + query0 + row) * (HEAD / 4) + column] * scale : vec4(0);
  }
  barrier();
  // Each lane has one query's row r (of BR <= rows) and PER vec4s of it.
  vec4 sums[PER];
  for (uint i = 0; i < PER; ++i) sums[i] = vec4(0);
  float most = -1e30, total = 0.0;
  for (uint key0 = 0; key0 < count; key0 += BC) {
    for (uint c = lane; c < BR * BC; c += gl_WorkGroupSize.x) {
      const uint row = c / BC, key = key0 + c % BC;
      float s = -1e30;
      if (key < count && query0 + row < queries) {
        s = mask[(query0 + row) * count + key];
        for (uint i = 0; i < HEAD / 4; ++i)
          s += dot(tile_q[row * (HEAD / 4 + 1) + i], vec4(keys[(head * count + key) * (HEAD / 4) + i]));
      }
      scores[row][c % BC] = s;
    }
    barrier();
    if (r < BR) {
      float now = most;
      for (uint c = 0; c < BC; ++c) now = max(now, scores[r][c]);
      const float by = exp(most - now);
      total *= by;
      for (uint i = 0; i < PER; ++i) sums[i] *= by;
      for (uint c = 0; c < BC; ++c) {
        const float p = exp(scores[r][c] - now);
        total += p;
        const uint key = min(key0 + c, count - 1);
        for (uint i = 0; i < PER; ++i)
          sums[i] += p * vec4(values[(head * count + key) * (HEAD / 4) + i * SPLIT + d]);
      }
      most = now;
    }
    barrier();
  }
  if (r < BR && query0 + r < queries)
    for (uint i = 0; i < PER; ++i)
      result[(head * queries + query0 + r) * (HEAD / 4) + i * SPLIT + d] = sums[i] / total;
}
