#version 450
// Barriers in a loop, in a uniform conditional, and in a function: a rotation by one element a
// round, and a sum over the whole workgroup.
layout(local_size_x = 96) in;
layout(set = 0, binding = 0) buffer Data { uint data[]; };
layout(push_constant) uniform Push { uint rounds; uint twice; };
shared uint cells[96];

uint exchange(uint value, uint from) {
  cells[gl_LocalInvocationIndex] = value;
  barrier();
  uint result = cells[from];
  barrier();
  return result;
}

void main() {
  uint i = gl_LocalInvocationIndex;
  uint base = gl_WorkGroupID.x * 96;
  uint value = data[base + i];
  for (uint k = 0; k < rounds; ++k) {
    value = exchange(value, (i + 1) % 96);
    if (twice != 0) {
      value = exchange(value + 1, (i + 95) % 96);
    }
  }
  data[base + i] = value;
}
