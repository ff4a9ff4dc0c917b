#version 450
// data[i] = data[i] * factor + step for every invocation below the length. No loop.
layout(local_size_x = 32) in;
layout(constant_id = 3) const uint factor = 1;
layout(set = 0, binding = 0) buffer Data { uint data[]; };
layout(push_constant) uniform Push { uint step_size; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i < data.length()) data[i] = data[i] * factor + step_size;
}
