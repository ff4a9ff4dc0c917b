// SPDX-License-Identifier: MIT OR Apache-2.0
// A machine with two registers and eight operations runs a program of its own.
void run() {
  uint a = A[index], b = B[index], at = 0u, spent = 0u;
  while (spent < 60u) {
    uint op = (A[index] ^ B[index] * 7u) >> (at % 10u * 3u) & 7u;
    ++spent;
    ++at;
    switch (op) {
      case 0u:
        a += b;
        break;
      case 1u:
        b ^= a << 3u;
        break;
      case 2u:
        if ((a & 1u) != 0u) at += 2u;
        break;
      case 3u:
        a = a >> 1u | a << 31u;
        // goes on
      case 4u:
        b -= a;
        break;
      case 5u:
        if (b > a) continue;
        a *= 3u;
        break;
      case 6u:
        if (spent > 40u) {
          R[index] = a ^ b ^ at;
          return;
        }
        break;
      default:
        b += at;
    }
    a ^= spent;
  }
  R[index] = a + b * 31u;
}
