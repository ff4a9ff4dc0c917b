#version 450
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
layout(local_size_x = 1) in;
layout(buffer_reference) buffer Node;
layout(buffer_reference, std430) buffer Node { uint value; uint pad; Node next; };
layout(set = 0, binding = 0) buffer Data { uint sum; uint pad; uint64_t first; };
void main() {
  Node node = Node(first);
  while (uint64_t(node) != 0) {
    sum += node.value;
    node.value = 0;
    node = node.next;
  }
}
