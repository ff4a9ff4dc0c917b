// glslc: --target-env=vulkan1.2
#version 450
// y[i] = x[i] + 1, one after the other: what is written to y may be read from x.
layout(local_size_x = 1) in;
layout(set = 0, binding = 0) buffer X { uint x[]; };
layout(set = 0, binding = 1) buffer Y { uint y[]; };
layout(push_constant) uniform Push { uint n; };
void main() {
  for (uint i = 0; i < n; ++i) y[i] = x[i] + 1;
}
