#version 450
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) buffer Data { uint count; int least; int most; uint swaps; uint bits; uint marks[]; };
shared uint local_count;
void main() {
  if (gl_LocalInvocationIndex == 0) local_count = 0;
  barrier();
  uint ticket = atomicAdd(count, 1);
  marks[ticket] = 1;
  atomicMin(least, -int(ticket));
  atomicMax(most, int(ticket));
  atomicOr(bits, 1u << (ticket % 32));
  if (atomicCompSwap(swaps, 0, 77) == 0) atomicAdd(local_count, 1000);
  atomicAdd(local_count, 1);
  barrier();
  if (gl_LocalInvocationIndex == 0) atomicAdd(marks[1024], local_count);
}
