#version 450
layout(local_size_x = 4) in;
layout(set = 0, binding = 0) buffer Data { uint data[]; };
shared uint cells[4];
void main() {
  uint i = gl_LocalInvocationIndex;
  cells[i] = i;
  if (data[i] == 0) {
    barrier();
    cells[i] = 7;
  } else {
    data[i] = 5;
    barrier();
  }
  data[i] = cells[3 - i];
}
