// glslc: --target-env=vulkan1.2
#version 450
#extension GL_EXT_nonuniform_qualifier : require
// value = the first word of the buffer that the memory names by its index.
layout(local_size_x = 1) in;
layout(set = 0, binding = 0) buffer Picked { uint index, value; };
layout(set = 0, binding = 1) readonly buffer One { uint words[]; } many[];
void main() {
  value = many[nonuniformEXT(index)].words[0];
}
