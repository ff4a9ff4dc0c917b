// glslc: --target-env=vulkan1.2
#version 450
#extension GL_EXT_nonuniform_qualifier : require
// sum[i] = element i of the buffers, as many as there are.
layout(local_size_x = 1) in;
layout(set = 0, binding = 0) buffer Sum { uint sum[]; };
layout(set = 0, binding = 1) readonly buffer One { uint value[]; } many[];
void main() {
  uint i = gl_GlobalInvocationID.x;
  sum[i] = many[nonuniformEXT(i)].value[0];
}
