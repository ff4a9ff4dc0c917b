#version 450
layout(local_size_x = 2) in;
layout(set = 0, binding = 0) buffer Data { uint data[]; };
void main() {
  while (data[0] == 0) data[gl_LocalInvocationIndex + 1] += 1;
}
