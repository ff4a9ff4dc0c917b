#version 450
// glslc: --target-env=vulkan1.2
#extension GL_KHR_shader_subgroup_arithmetic : require
#extension GL_KHR_shader_subgroup_ballot : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_KHR_shader_subgroup_clustered : require
#extension GL_KHR_shader_subgroup_quad : require
#extension GL_KHR_shader_subgroup_shuffle_relative : require
layout(local_size_x = 40) in;
layout(set = 0, binding = 0) buffer Data { uint data[]; };

uint sum_in_function(uint value) {
  if ((value & 1) != 0) return 0;
  return subgroupAdd(1);
}

void main() {
  uint i = gl_LocalInvocationIndex, lane = gl_SubgroupInvocationID;
  uint at = i * 12;
  data[at + 0] = gl_SubgroupSize * 1000 + gl_NumSubgroups * 100 + gl_SubgroupID;
  data[at + 1] = subgroupAdd(i);
  data[at + 2] = subgroupExclusiveAdd(1);
  if (lane % 3 == 0) {
    data[at + 3] = subgroupInclusiveAdd(1);
  } else {
    data[at + 3] = subgroupMin(lane);
  }
  data[at + 4] = subgroupBallotBitCount(subgroupBallot(lane < 5));
  uint rounds = 0;
  for (uint k = 0; k < 10; ++k) {  // lanes leave one after the other
    if (k == lane % 8) break;
    rounds += subgroupAdd(1);
    if (k % 2 == lane % 2) continue;
    rounds += subgroupAdd(100);
  }
  data[at + 5] = rounds;
  data[at + 6] = subgroupAdd(1);  // all are back
  data[at + 7] = subgroupShuffleXor(i, 1);
  data[at + 8] = subgroupClusteredAdd(i, 4);
  data[at + 9] = subgroupQuadSwapDiagonal(i);
  data[at + 10] = sum_in_function(lane);
  uint up = subgroupShuffleUp(i, 2);
  data[at + 11] = lane >= 2 ? up : 0;
}
