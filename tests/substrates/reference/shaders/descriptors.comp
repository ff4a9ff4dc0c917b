#version 450
// A descriptor array with a dynamic index, and two views of one binding.
layout(local_size_x = 1) in;
layout(set = 0, binding = 0) buffer Words { uint words[]; } tables[3];
layout(set = 1, binding = 2) buffer AsUint { uint bits[]; };
layout(set = 1, binding = 2) buffer AsFloat { float values[]; };
layout(push_constant) uniform Push { int index; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  bits[i] = floatBitsToUint(1.5);
  values[i] = values[i] * 2.0;
  if (index >= 0) bits[i] += tables[index].words[i];
  else tables[-index].words[i] = bits[i];
}
