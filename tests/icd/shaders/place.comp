// glslc: --target-env=vulkan1.2
#version 450
#extension GL_EXT_device_group : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_arithmetic : require
// Where an invocation finds itself: 8 words for each workgroup.
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) buffer Out { uint words[]; };
void main() {
  uint sum = subgroupAdd(1);
  uint last = subgroupMax(gl_SubgroupInvocationID);
  uvec3 n = gl_NumWorkGroups, g = gl_WorkGroupID;
  uint at = g.x * 8;
  if (gl_LocalInvocationIndex != 0) return;
  words[at] = gl_SubgroupSize;
  words[at + 1] = gl_NumSubgroups;
  words[at + 2] = sum;
  words[at + 3] = last;
  words[at + 4] = uint(gl_DeviceIndex);
  words[at + 5] = n.x * 10000 + n.y * 100 + n.z;
  words[at + 6] = g.x * 10000 + g.y * 100 + g.z;
  words[at + 7] = gl_GlobalInvocationID.x;
}
