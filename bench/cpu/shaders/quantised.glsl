// SPDX-License-Identifier: MIT OR Apache-2.0
// A matrix-vector product with quantised weights, as machine-learning kernels write it: a
// large constant table that decodes groups of weights, copied to shared memory, and loops
// that ask to be unrolled. PARTS, 1, 2 or 4, sets the size of both.
//   0.0   blocks: u32[], read   0.1  result: u32[64], written
// Launch: one workgroup. The marker constant is replaced to make an unseen module.
layout(local_size_x = 64) in;

layout(set = 0, binding = 0) readonly buffer Blocks { uint blocks[]; };
layout(set = 0, binding = 1) writeonly buffer Result { uint result[]; };

#define W1(i) (uint(i) * 0x9E3779B9u ^ 0x5BD1E995u)
#define W4(i) W1(i), W1(i + 1), W1(i + 2), W1(i + 3)
#define W16(i) W4(i), W4(i + 4), W4(i + 8), W4(i + 12)
#define W64(i) W16(i), W16(i + 16), W16(i + 32), W16(i + 48)
#define W256(i) W64(i), W64(i + 64), W64(i + 128), W64(i + 192)

#if PARTS == 1
const uint kGrid[256] = uint[](W256(0));
#elif PARTS == 2
const uint kGrid[512] = uint[](W256(0), W256(256));
#else
const uint kGrid[1024] = uint[](W256(0), W256(256), W256(512), W256(768));
#endif
const uint kSize = PARTS * 256;

shared uint grid[kSize];

float decoded(uint index, uint signs, uint j) {
  uint value = grid[index & (kSize - 1)] >> (8 * (j & 3)) & 255;
  return (signs >> j & 1) != 0 ? -float(value) : float(value);
}

void main() {
  uint lane = gl_LocalInvocationID.x;
  [[unroll]] for (uint i = 0; i < kSize; i += gl_WorkGroupSize.x) grid[i + lane] = kGrid[i + lane];
  barrier();
  float sum = 0.0;
  [[unroll]] for (uint part = 0; part < PARTS; ++part) {
    uint packed = blocks[(part * 64 + lane) & 255] ^ 0x5EED5EEDu;
    [[unroll]] for (uint l = 0; l < 4; ++l) {
      uint signs = bitfieldExtract(packed, int(7 * l), 7);
      [[unroll]] for (uint j = 0; j < 8; ++j) {
        sum = fma(decoded(packed >> (part + l), signs, j), float(blocks[(j + lane) & 255]), sum);
      }
    }
  }
  result[lane] = floatBitsToUint(sum);
}
