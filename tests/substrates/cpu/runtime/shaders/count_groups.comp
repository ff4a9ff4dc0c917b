#version 450
layout(local_size_x = 1) in;
layout(set = 0, binding = 0) buffer Data { uint groups; uint sum; };
void main() {
  atomicAdd(groups, 1);
  atomicAdd(sum, gl_WorkGroupID.x + 100 * gl_WorkGroupID.y + 10000 * gl_WorkGroupID.z);
}
