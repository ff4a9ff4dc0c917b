#version 450
// SPDX-License-Identifier: MIT OR Apache-2.0
// As runtime_descriptors, with an index that each invocation has for itself.
#extension GL_EXT_nonuniform_qualifier : require
layout(local_size_x = 32) in;
layout(set = 0, binding = 0) readonly buffer First { uint x[]; } first[];
layout(set = 0, binding = 1) buffer Result { uint result[]; };
layout(set = 0, binding = 2) readonly buffer Second { uint head; uint y[]; } second[];
layout(set = 0, binding = 3) readonly buffer Last { uint last[]; };
layout(push_constant) uniform Push { uint count; uint chosen; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  uint sum = first[nonuniformEXT(i % count)].x[i / count] + second[1].head + last[i];
  result[i] = sum + second[chosen].y[i] + second[0].y.length();
}
