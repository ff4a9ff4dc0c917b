// SPDX-License-Identifier: MIT OR Apache-2.0
// Numbers of an invocation in workgroups whose rows are shorter than a register, as a whole, by their
// low bits and by what is above these, as values, as conditions and as indices of elements of several
// components.
//   0.0  in: u32[4096], read   0.1  out: u32[16 each], written   0.2  halves: f16vec4[1024], read
#version 450
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#extension GL_EXT_shader_16bit_storage : require
layout(local_size_x_id = 0, local_size_y_id = 1, local_size_z_id = 2) in;

layout(set = 0, binding = 0) readonly buffer In { uint data[]; } src;
layout(set = 0, binding = 1) buffer Out { uint data[]; } dst;
layout(set = 0, binding = 2) readonly buffer Halves { f16vec4 data[]; } halves;
layout(push_constant) uniform Push { uint stride; };

shared uint tile[1024];

void main() {
  uvec3 g = gl_GlobalInvocationID, l = gl_LocalInvocationID, all = gl_NumWorkGroups * gl_WorkGroupSize;
  uint o = ((g.z * all.y + g.y) * all.x + g.x) * 16u;
  tile[gl_LocalInvocationIndex] = l.x * 10u + l.y * 100u + l.z;
  barrier();
  dst.data[o] = g.x + 1000u * g.y + 100000u * g.z;
  dst.data[o + 1u] = g.x % 8u + (g.y / 2u) * 16u + ((g.z >> 1) << 10);
  dst.data[o + 2u] = src.data[g.y * 64u + g.x];
  dst.data[o + 3u] = src.data[(g.x / 4u) * 32u + g.x % 4u + (g.y % 2u) * 8u];
  dst.data[o + 4u] = src.data[g.y * stride + g.x * 4u + g.z];
  dst.data[o + 5u] = src.data[(g.y % 4u) * 16u + g.z * 64u];
  f16vec4 v = halves.data[g.x * 4u + 1u] + halves.data[(g.y * 16u + g.z * 64u) % 1024u];
  dst.data[o + 6u] = packHalf2x16(vec2(v.xy));
  dst.data[o + 7u] = packHalf2x16(vec2(v.zw));
  uint sum = 0u;
  for (uint k = 0u; k < 3u + g.x / 16u; ++k) sum += src.data[g.x + k * 64u + g.y * 4u];
  dst.data[o + 8u] = sum;
  if (g.x / 8u + g.y / 8u < 1u) dst.data[o + 9u] = src.data[g.x * 8u + g.y];
  if (g.y % 2u == 1u) dst.data[o + 10u] = src.data[l.x + l.y + l.z];
  dst.data[o + 11u] = tile[(l.y * gl_WorkGroupSize.x + gl_WorkGroupSize.x - 1u - l.x) % 1024u];
  dst.data[o + 12u] = l.z * 1000u + (l.x & 3u) * 100u + (l.y ^ 1u);
  dst.data[o + 13u] = src.data[(g.x * 3u + g.y * 5u + g.z * 7u) & 4095u];
  dst.data[o + 14u] = (g.x - 5u) / 4u + (g.y + 3u) / 4u + (g.z * 6u) % 16u;
  dst.data[o + 15u] = src.data[((g.y / 4u) * 4u + g.x / 2u) & 4095u];
}
