// SPDX-License-Identifier: MIT OR Apache-2.0
// SHA-256 of messages of one block: 64 bytes, already padded; one invocation a message.
//   push  u32 n
//   0.0   blocks: u32[16 * n], big-endian words, read
//   0.1   digests: u32[8 * n], written
// Launch: n threads.
#version 450
layout(local_size_x = 64) in;

layout(push_constant) uniform Params { uint n; };
layout(set = 0, binding = 0) readonly buffer Blocks { uint blocks[]; };
layout(set = 0, binding = 1) writeonly buffer Digests { uint digests[]; };

const uint kInitial[8] = uint[](0x6a09e667u, 0xbb67ae85u, 0x3c6ef372u, 0xa54ff53au,
                                0x510e527fu, 0x9b05688cu, 0x1f83d9abu, 0x5be0cd19u);
const uint kRound[64] = uint[](
    0x428a2f98u, 0x71374491u, 0xb5c0fbcfu, 0xe9b5dba5u, 0x3956c25bu, 0x59f111f1u, 0x923f82a4u, 0xab1c5ed5u,
    0xd807aa98u, 0x12835b01u, 0x243185beu, 0x550c7dc3u, 0x72be5d74u, 0x80deb1feu, 0x9bdc06a7u, 0xc19bf174u,
    0xe49b69c1u, 0xefbe4786u, 0x0fc19dc6u, 0x240ca1ccu, 0x2de92c6fu, 0x4a7484aau, 0x5cb0a9dcu, 0x76f988dau,
    0x983e5152u, 0xa831c66du, 0xb00327c8u, 0xbf597fc7u, 0xc6e00bf3u, 0xd5a79147u, 0x06ca6351u, 0x14292967u,
    0x27b70a85u, 0x2e1b2138u, 0x4d2c6dfcu, 0x53380d13u, 0x650a7354u, 0x766a0abbu, 0x81c2c92eu, 0x92722c85u,
    0xa2bfe8a1u, 0xa81a664bu, 0xc24b8b70u, 0xc76c51a3u, 0xd192e819u, 0xd6990624u, 0xf40e3585u, 0x106aa070u,
    0x19a4c116u, 0x1e376c08u, 0x2748774cu, 0x34b0bcb5u, 0x391c0cb3u, 0x4ed8aa4au, 0x5b9cca4fu, 0x682e6ff3u,
    0x748f82eeu, 0x78a5636fu, 0x84c87814u, 0x8cc70208u, 0x90befffau, 0xa4506cebu, 0xbef9a3f7u, 0xc67178f2u);

uint rotate(uint x, uint by) { return (x >> by) | (x << (32 - by)); }

void main() {
  uint message = gl_GlobalInvocationID.x;
  if (message >= n) return;
  uint w[64];
  for (uint i = 0; i < 16; ++i) w[i] = blocks[16 * message + i];
  for (uint i = 16; i < 64; ++i) {
    uint s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ (w[i - 15] >> 3);
    uint s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ (w[i - 2] >> 10);
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  uint h[8] = kInitial;
  for (uint i = 0; i < 64; ++i) {
    uint s1 = rotate(h[4], 6) ^ rotate(h[4], 11) ^ rotate(h[4], 25);
    uint choice = (h[4] & h[5]) ^ (~h[4] & h[6]);
    uint t1 = h[7] + s1 + choice + kRound[i] + w[i];
    uint s0 = rotate(h[0], 2) ^ rotate(h[0], 13) ^ rotate(h[0], 22);
    uint t2 = s0 + ((h[0] & h[1]) ^ (h[0] & h[2]) ^ (h[1] & h[2]));
    for (uint j = 7; j > 0; --j) h[j] = h[j - 1];
    h[4] += t1;
    h[0] = t1 + t2;
  }
  for (uint i = 0; i < 8; ++i) digests[8 * message + i] = kInitial[i] + h[i];
}
