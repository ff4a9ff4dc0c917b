#version 450
// Goes on for as long as `go` is not 0; then done[0] = 1.
layout(local_size_x = 1) in;
layout(set = 0, binding = 0) coherent buffer Data { uint go; uint done; uint spins; };
void main() {
  while (go != 0) spins += 1;
  done = 1;
}
