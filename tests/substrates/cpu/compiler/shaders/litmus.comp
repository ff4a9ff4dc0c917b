// SPDX-License-Identifier: MIT OR Apache-2.0
// Shapes of concurrent access: each workgroup is a thread, run by one of its own. The threads
// go side by side through n tests, each with words of its own, and meet every 32 tests.
// glslc: --target-env=vulkan1.2
//   0.0   { u32 arrived; u32 words[16 + 32 * n] }: x and y of a test, each in a cache line
//   0.1   u32[threads * 2 * n]: what each thread read
#version 450
#extension GL_KHR_memory_scope_semantics : require
#pragma use_vulkan_memory_model
layout(local_size_x = 1) in;

layout(set = 0, binding = 0) queuefamilycoherent buffer Words { uint arrived, words[]; };
layout(set = 0, binding = 1) buffer Seen { uint seen[]; };
layout(push_constant) uniform Push { uint shape, n; };

#define SCOPE gl_ScopeQueueFamily
#define BUFFER gl_StorageSemanticsBuffer
#define NONE gl_StorageSemanticsNone
#define STORE(at, value) atomicStore(words[at], uint(value), SCOPE, BUFFER, gl_SemanticsRelease)
#define LOAD(at) atomicLoad(words[at], SCOPE, BUFFER, gl_SemanticsAcquire)
#define STORE_RELAXED(at, value) atomicStore(words[at], uint(value), SCOPE, NONE, gl_SemanticsRelaxed)
#define LOAD_RELAXED(at) atomicLoad(words[at], SCOPE, NONE, gl_SemanticsRelaxed)

void meet(uint round) {
  atomicAdd(arrived, 1, SCOPE, BUFFER, gl_SemanticsAcquireRelease);
  while (atomicLoad(arrived, SCOPE, BUFFER, gl_SemanticsAcquire) < round * gl_NumWorkGroups.x) {
  }
}

void main() {
  uint thread = gl_WorkGroupID.x;
  for (uint i = 0; i < n; ++i) {
    if (i % 32 == 0) meet(i / 32 + 1);
    uint x = 16 + 32 * i, y = x + 16, a = 0, b = 0;
    if (thread == 1 && shape != 6) {  // the second thread of a pair sees them the other way round
      uint other = x;
      x = y;
      y = other;
    }
    switch (shape) {
      case 0:  // message passing by release and acquire
        if (thread == 0) {
          STORE_RELAXED(x, 1);
          STORE(y, 1);
        } else {
          a = LOAD(x);
          b = LOAD_RELAXED(y);
        }
        break;
      case 1:  // message passing by fences
        if (thread == 0) {
          STORE_RELAXED(x, 1);
          memoryBarrier(SCOPE, BUFFER, gl_SemanticsRelease);
          STORE_RELAXED(y, 1);
        } else {
          a = LOAD_RELAXED(x);
          memoryBarrier(SCOPE, BUFFER, gl_SemanticsAcquire);
          b = LOAD_RELAXED(y);
        }
        break;
      case 2:  // store buffering
        STORE(x, 1);
        a = LOAD(y);
        break;
      case 7:  // store buffering by fences
        STORE_RELAXED(x, 1);
        memoryBarrier(SCOPE, BUFFER, gl_SemanticsAcquireRelease);
        a = LOAD_RELAXED(y);
        break;
      case 3:  // load buffering
        a = LOAD(y);
        STORE(x, 1);
        break;
      case 4:  // two reads of one word
        if (thread == 0) {
          STORE_RELAXED(x, 1);
          STORE_RELAXED(x, 2);
        } else {
          a = LOAD_RELAXED(y);
          b = LOAD_RELAXED(y);
        }
        break;
      case 5:  // no update is lost
        a = atomicAdd(words[thread == 0 ? x : y], 1, SCOPE, NONE, gl_SemanticsRelaxed);
        b = atomicMax(words[thread == 0 ? y : x], thread + 1, SCOPE, NONE, gl_SemanticsRelaxed);
        break;
      case 6:  // independent reads of independent writes
        if (thread == 0) STORE(x, 1);
        if (thread == 1) STORE(y, 1);
        if (thread == 2) {
          a = LOAD(x);
          b = LOAD(y);
        }
        if (thread == 3) {
          a = LOAD(y);
          b = LOAD(x);
        }
        break;
    }
    seen[(thread * n + i) * 2] = a;
    seen[(thread * n + i) * 2 + 1] = b;
  }
}
