#version 450
// Counts workgroups; goes on for as long as `go` is not 0.
layout(local_size_x = 1) in;
layout(set = 0, binding = 0) coherent buffer Data { uint go; uint count; uint spins; };
void main() {
  while (go != 0) spins += 1;
  atomicAdd(count, 1u);
}
