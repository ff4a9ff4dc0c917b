#version 450
// Each invocation turns its element `rounds` times.
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) buffer Data { uint data[]; };
layout(push_constant) uniform Push { uint rounds; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= data.length()) return;
  uint x = data[i] + i;
  for (uint r = 0; r < rounds; ++r) x = x * 1664525u + 1013904223u;
  data[i] = x;
}
