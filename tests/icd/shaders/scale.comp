// glslc: --target-env=vulkan1.2
#version 450
// y[i] = x[i] * factor + bias, with a workgroup and an array that
// specialization sizes.
layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint kFactor = 2;
layout(constant_id = 2) const uint kLength = 4;
layout(set = 0, binding = 0) readonly buffer X { uint x[]; };
layout(set = 0, binding = 1) buffer Y { uint y[]; };
layout(set = 0, binding = 2) uniform Bias { uint bias; };
shared uint part[kLength];
void main() {
  part[gl_LocalInvocationIndex % kLength] = 0;
  barrier();
  uint i = gl_GlobalInvocationID.x;
  if (i < y.length()) y[i] = x[i] * kFactor + bias + part[gl_LocalInvocationIndex % kLength];
}
