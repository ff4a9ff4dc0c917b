#version 450
// Nested loops with break, continue and early return; switches with fallthrough.
layout(local_size_x = 8) in;
layout(set = 0, binding = 0) buffer Data { uint data[]; };

uint walk(uint n) {
  uint sum = 0;
  for (uint i = 0; i < 10; ++i) {
    if (i == n) continue;
    uint j = 0;
    while (true) {
      ++j;
      if (j > i) break;
      if (j == 7 && n == 5) return 1000 + sum;
      switch ((i + j) % 5) {
        case 0: sum += 1;
        case 1: sum += 10; break;
        case 3: continue;
        default: sum += 100;
      }
      sum += j;
    }
  }
  return sum;
}

void main() { data[gl_GlobalInvocationID.x] = walk(gl_GlobalInvocationID.x); }
