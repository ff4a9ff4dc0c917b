// SPDX-License-Identifier: MIT OR Apache-2.0
// Ends when the host says so.
#version 450
layout(local_size_x = 1) in;
layout(set = 0, binding = 0, std430) coherent buffer Flag {
  uint go;
  uint done;
};
void main() {
  while (atomicAdd(go, 0u) == 0u) {
  }
  done = 1u;
}
