// glslc: --target-env=vulkan1.2
#version 450
// A word of each of: a dynamic array, a plain buffer of another set, and a set far away.
layout(local_size_x = 1) in;
layout(set = 0, binding = 3) readonly buffer Many { uint values[]; } many[3];
layout(set = 2, binding = 0) buffer Out { uint sums[]; };
layout(set = 5, binding = 7) uniform Far { uint far; };
void main() {
  for (int i = 0; i < 3; ++i) sums[i] = many[i].values[0];
  sums[3] = far;
}
