#version 450
// Reads through one binding what it wrote through another.
layout(local_size_x = 32) in;
layout(set = 0, binding = 0) buffer A { uint a[]; };
layout(set = 0, binding = 1) buffer B { uint b[]; };
layout(set = 0, binding = 2) buffer C { uint c[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  uint before = a[i];
  b[i] = before + 1;
  c[i] = before * 1000 + a[i];
}
