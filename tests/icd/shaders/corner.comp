// glslc: --target-env=vulkan1.2
#version 450
// Workgroups of any shape: counts invocations, and the last one by its place in each dimension.
layout(local_size_x_id = 0, local_size_y_id = 1, local_size_z_id = 2) in;
layout(set = 0, binding = 0) buffer Out { uint invocations, workgroups, last; };
shared uint together;
void main() {
  if (gl_LocalInvocationIndex == 0) together = 0;
  barrier();
  atomicAdd(together, 1);
  barrier();
  if (gl_LocalInvocationIndex != 0) return;
  atomicAdd(invocations, together);
  atomicAdd(workgroups, 1);
  uvec3 at = gl_WorkGroupSize;
  atomicMax(last, at.x * at.y * at.z);
}
