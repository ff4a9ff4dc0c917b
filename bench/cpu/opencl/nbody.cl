// SPDX-License-Identifier: MIT OR Apache-2.0
#define TILE 64
kernel void nbody(global const float4* restrict positions, global float4* restrict velocities,
                  global float4* restrict moved, uint n, float dt, float softening2) {
  local float4 tile[TILE];
  uint i = get_global_id(0), lane = get_local_id(0);
  float4 self = i < n ? positions[i] : (float4)(0.0f);
  float3 acceleration = (float3)(0.0f);
  for (uint start = 0; start < n; start += TILE) {
    tile[lane] = start + lane < n ? positions[start + lane] : (float4)(0.0f);
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint j = 0; j < TILE; ++j) {
      float3 away = tile[j].xyz - self.xyz;
      float inverse = rsqrt(dot(away, away) + softening2);
      acceleration += away * (tile[j].w * inverse * inverse * inverse);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  if (i >= n) return;
  float3 velocity = velocities[i].xyz + acceleration * dt;
  velocities[i] = (float4)(velocity, 0.0f);
  moved[i] = (float4)(self.xyz + velocity * dt, self.w);
}
