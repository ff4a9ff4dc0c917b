// glslc: --target-env=vulkan1.2
#version 450
#extension GL_EXT_buffer_reference : require
layout(local_size_x = 64) in;
layout(buffer_reference, std430, buffer_reference_align = 4) buffer Words { uint words[]; };
layout(push_constant) uniform Push { Words to; uint n; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i < n) to.words[i] = i * 3 + 1;
}
