// glslc: --target-env=vulkan1.2
#version 450
// y[i] += values of a uniform block, at the place that an element of an array of buffers says.
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) buffer Y { uint y[]; };
layout(set = 0, binding = 1) uniform Block { uvec4 values; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i < y.length()) y[i] += values[i % 4];
}
