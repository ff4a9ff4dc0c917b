// SPDX-License-Identifier: MIT OR Apache-2.0
// Whole arrays and structures between buffers, Workgroup memory and private memory.
#version 450
layout(local_size_x = 64) in;
layout(push_constant) uniform Params { uint n; };
struct Row { uvec3 head; uint tail[20]; mat3 turn; };
layout(std430, set = 0, binding = 0) readonly buffer A { uint a[65536]; };
layout(std430, set = 0, binding = 0) readonly buffer B { Row rows[]; };
layout(std430, set = 0, binding = 1) buffer Out { uint results[65536]; };
layout(std430, set = 0, binding = 2) buffer Copies { uint copies[65536]; };
layout(std430, set = 0, binding = 3) buffer Rows { Row kept[]; };
shared uint held[300];
shared Row row;
void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i == 0) copies = a;
  if (i < n) kept[i * 2] = rows[i ^ 1];
  if (gl_LocalInvocationIndex == 3) {
    uint own[300];
    for (uint k = 0; k < 300; ++k) own[k] = k * i;
    held = own;
    row = rows[gl_WorkGroupID.x];
  }
  barrier();
  uint mine[300] = held;
  Row other = row;
  if (i < n) {
    uint h = other.head.y + floatBitsToUint(other.turn[1].z);
    for (uint k = 0; k < 300; k += 7) h = h * 31 + mine[k] + other.tail[k % 20];
    results[i] = h;
  }
}
