// glslc: --target-env=vulkan1.2
#version 450
// y[at] = x[index], wherever they are; y[0] = the lengths.
layout(local_size_x = 1) in;
layout(set = 0, binding = 0) buffer X { uint x[]; };
layout(set = 0, binding = 1) buffer Y { uint y[]; };
layout(push_constant) uniform Push { uint index, at; };
void main() {
  y[at] = x[index] + 1;
  y[0] = x.length() * 1000 + y.length();
}
