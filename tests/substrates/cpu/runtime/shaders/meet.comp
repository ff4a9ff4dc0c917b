#version 450
// The first `alone` workgroups just end. Each one after them waits until `all` of them have
// arrived, which needs as many threads at once.
layout(local_size_x = 1) in;
layout(set = 0, binding = 0) coherent buffer Data { uint all; uint alone; uint begun; uint arrived; };
void main() {
  if (atomicAdd(begun, 1u) < alone) return;
  atomicAdd(arrived, 1u);
  while (atomicAdd(arrived, 0u) < all) {}
}
