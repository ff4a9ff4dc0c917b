// SPDX-License-Identifier: MIT OR Apache-2.0
// Loops that each invocation leaves when its data say so, with loads from its own places, beyond
// the ends, too: what runs for one invocation after the other.
#version 450
layout(local_size_x = 64) in;
layout(push_constant) uniform Params { uint n; };
struct Item { uint key; uint next; };
layout(set = 0, binding = 0) readonly buffer In { uint data[]; };
layout(set = 0, binding = 1) buffer Out { uint result[]; };
layout(set = 0, binding = 0) readonly buffer Items { uint skipped; Item items[]; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  uint sum = 0u;
  // From a place of its own on, sometimes beyond the end, sometimes nothing at all.
  for (uint k = data[i] & 511u; k < (data[i + 1] & 511u); ++k) sum += data[k] * data[data[k]];
  // Along a chain, with numbers that are no indices at all.
  uint at = i;
  for (uint k = 0u; k < (data[i] & 15u); ++k) {
    sum = sum * 31u + items[at].key;
    at = items[at].next;
  }
  for (int k = int(data[i] & 7u) - 3; k < int(n); k += 5) sum += data[k] ^ data[int(n) - k];
  result[i] = sum;
}
