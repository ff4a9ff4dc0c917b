// SPDX-License-Identifier: MIT OR Apache-2.0
// glslc: --target-env=vulkan1.2
// Elements of several components where the lanes' elements lie apart: at places that data say, at
// constants from a common base, at a constant distance; partly and wholly out of range; for all and
// for those who have parted.
#version 450
#extension GL_EXT_shader_explicit_arithmetic_types : require
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_shader_8bit_storage : require
layout(local_size_x = 64) in;

struct Mixed {
  uvec3 first;
  uint16_t narrow[3];
  uint8_t bytes[6];
  uint64_t large;
};
layout(set = 0, binding = 0) readonly buffer Words { uint words[]; };
layout(set = 0, binding = 0) readonly buffer Pairs { uvec2 pairs[]; };
layout(set = 0, binding = 0) readonly buffer Triples { uvec3 triples[]; };
layout(set = 0, binding = 0) readonly buffer Quads { uvec4 quads[]; };
layout(set = 0, binding = 0) readonly buffer Halves { u16vec4 halves[]; };
layout(set = 0, binding = 0) readonly buffer Shorts { u16vec2 shorts[]; };
layout(set = 0, binding = 0) readonly buffer Bytes { u8vec4 bytes[]; };
layout(set = 0, binding = 0) readonly buffer Mixes { Mixed mixes[]; };
layout(set = 0, binding = 1) writeonly buffer Result { uint result[]; };
layout(push_constant) uniform Parameters { uint n; };

shared uvec4 tile[64];
shared uvec2 twins[64];

uint mixed(uint sum, uint x) { return (sum ^ x) * 16777619u + (sum >> 13); }
uint all2(uint sum, uvec2 v) { return mixed(mixed(sum, v.x), v.y); }
uint all4(uint sum, uvec4 v) { return all2(all2(sum, v.xy), v.zw); }

uint at(uint sum, uint i) {
  sum = all2(sum, pairs[i]);
  sum = mixed(all2(sum, triples[i].xy), triples[i].z);
  sum = all4(sum, quads[i]);
  sum = all4(sum, uvec4(halves[i]));
  sum = all2(sum, uvec2(shorts[i]));
  sum = all4(sum, uvec4(bytes[i]));
  return sum;
}

uint of_mixed(uint sum, uint i) {
  sum = mixed(all2(sum, mixes[i].first.xy), mixes[i].first.z);
  for (uint k = 0; k < 3; ++k) sum = mixed(sum, uint(mixes[i].narrow[k]));
  for (uint k = 0; k < 6; ++k) sum = mixed(sum, uint(mixes[i].bytes[k]));
  return all2(sum, unpackUint2x32(mixes[i].large));
}

void main() {
  const uint i = gl_GlobalInvocationID.x, lane = gl_LocalInvocationIndex;
  const uint x = i < n ? words[i] : 0;
  uint sum = at(x, x);                     // what data say, often out of range
  sum = at(sum, x & 63);                   // mostly in range
  sum = at(sum, i / 2 + (i & 1) * 3);      // by constants
  sum = at(sum, lane * 9);                 // at a constant distance
  sum = of_mixed(sum, x & 15);
  sum = of_mixed(sum, lane / 4);
  if ((x & 1) != 0) {
    sum = at(sum, x >> 1);
    sum = of_mixed(sum, x >> 2 & 31);
  }
  tile[lane] = uvec4(sum, x, i, lane);
  twins[lane] = uvec2(x, sum);
  barrier();
  sum = all4(sum, tile[x & 63]);
  sum = all4(sum, tile[lane / 4 * 3]);
  sum = all2(sum, twins[lane ^ 5]);
  sum = all2(sum, twins[(x >> 3) & 63]);
  for (uint k = 0; k < (x & 3); ++k) sum = at(sum, (sum >> 5) & 63);
  if (i < n) result[i] = sum;
}
