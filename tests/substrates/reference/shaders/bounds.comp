#version 450
// One access at an index from the host.
layout(local_size_x = 1) in;
layout(set = 0, binding = 0) buffer In { uint source[]; };
layout(set = 0, binding = 1) buffer Out { uint target[]; };
layout(set = 0, binding = 2) buffer Vectors { uvec4 vectors[]; };
layout(push_constant) uniform Push { int index; };
void main() {
  target[0] = source[index];
  target[index] = 7;
  vectors[0] = vectors[index];
}
