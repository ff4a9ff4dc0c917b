// SPDX-License-Identifier: MIT OR Apache-2.0
// ChaCha20: each invocation makes 64 bytes of the stream and applies them.
//   0.0  key: uvec4[2], read  0.1  text: uvec4[blocks * 4], read and written
// Launch: ceil(blocks / size) workgroups.
#version 450
layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0) readonly buffer K { uvec4 key[2]; };
layout(set = 0, binding = 1) buffer T { uvec4 text[]; };
layout(push_constant) uniform Parameters { uint blocks, counter, nonce[3]; };

uvec4 turn(uvec4 x, uint by) { return x << by | x >> (32 - by); }
void quarter(inout uvec4 a, inout uvec4 b, inout uvec4 c, inout uvec4 d) {
  a += b;
  d = turn(d ^ a, 16);
  c += d;
  b = turn(b ^ c, 12);
  a += b;
  d = turn(d ^ a, 8);
  c += d;
  b = turn(b ^ c, 7);
}

void main() {
  const uint i = gl_GlobalInvocationID.x;
  if (i >= blocks) return;
  const uvec4 a0 = uvec4(0x61707865u, 0x3320646eu, 0x79622d32u, 0x6b206574u), b0 = key[0], c0 = key[1];
  const uvec4 d0 = uvec4(counter + i, nonce[0], nonce[1], nonce[2]);
  uvec4 a = a0, b = b0, c = c0, d = d0;
  for (uint round = 0; round < 10; ++round) {
    quarter(a, b, c, d);
    b = b.yzwx;
    c = c.zwxy;
    d = d.wxyz;
    quarter(a, b, c, d);
    b = b.wxyz;
    c = c.zwxy;
    d = d.yzwx;
  }
  text[i * 4] ^= a + a0;
  text[i * 4 + 1] ^= b + b0;
  text[i * 4 + 2] ^= c + c0;
  text[i * 4 + 3] ^= d + d0;
}
