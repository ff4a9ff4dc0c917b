// SPDX-License-Identifier: MIT OR Apache-2.0
// Tiles of sums in private arrays, under bounds that are specialization constants: in nested loops,
// across barriers, in loops that lanes leave one by one, and by an index that data say.
#version 450
layout(local_size_x = 64) in;
layout(constant_id = 0) const uint ROWS = 4;
layout(constant_id = 1) const uint COLUMNS = 3;
layout(constant_id = 2) const uint DEPTH = 5;
layout(set = 0, binding = 0) readonly buffer In { uint words[]; };
layout(set = 0, binding = 1) writeonly buffer Out { uint result[]; };
layout(push_constant) uniform Parameters { uint n; };

shared uint tile[64 * 2];

void main() {
  const uint i = gl_GlobalInvocationID.x, lane = gl_LocalInvocationIndex;
  const uint x = i < n ? words[i] : 1;
  uint sums[ROWS * COLUMNS], row[ROWS], column[COLUMNS], chosen[ROWS];
  for (uint k = 0; k < ROWS * COLUMNS; ++k) sums[k] = x + k;
  for (uint k = 0; k < ROWS; ++k) chosen[k] = k * 7;
  for (uint block = 0; block < n; block += 50) {
    tile[lane] = x * 3 + block;
    tile[lane + 64] = x ^ block;
    barrier();
    for (uint d = 0; d < DEPTH; ++d) {
      for (uint r = 0; r < ROWS; ++r) row[r] = tile[(lane * 5 + r * 3 + d) & 127];
      for (uint c = 0; c < COLUMNS; ++c) column[c] = tile[(c * 11 + d) & 127];
      for (uint r = 0; r < ROWS; ++r)
        for (uint c = 0; c < COLUMNS; ++c) sums[r * COLUMNS + c] += row[r] * column[c];
    }
    barrier();
  }
  for (uint k = 0; k < (x & 7); ++k)  // left one by one
    for (uint r = 0; r < ROWS; ++r) {
      for (uint c = 0; c < COLUMNS; ++c) sums[c * ROWS + r] ^= sums[r] + c * k;
      if ((sums[r] & 15) == 3) break;
    }
  for (uint r = 0; r < ROWS; ++r) chosen[(x + r) % ROWS] += sums[r] * (r + 1);
  uint sum = 0;
  for (uint k = 0; k < ROWS * COLUMNS; ++k) sum = sum * 31 + sums[k];
  for (uint r = 0; r < ROWS; ++r) {
    if ((x >> r & 1) != 0) continue;
    sum ^= chosen[r];
  }
  if (i < n) result[i] = sum;
}
