#version 450
// glslc: --target-env=vulkan1.2
#extension GL_EXT_shader_explicit_arithmetic_types : require
#extension GL_EXT_shader_atomic_float : require
#extension GL_EXT_shader_atomic_int64 : require
#extension GL_EXT_shared_memory_block : require
layout(local_size_x = 16) in;
layout(set = 0, binding = 0) buffer Data {
  float total; uint pad; uint64_t big; int64_t least; double wide; float determinant_of; float inverse_of[4]; uint seen[16];
};
shared AsWords { uint words[16]; };
shared AsHalves { uint16_t halves[32]; };
void main() {
  uint i = gl_LocalInvocationIndex;
  words[i] = 0xABCD0000u | i;
  barrier();
  seen[i] = uint(halves[2 * i]) + (uint(halves[2 * i + 1]) << 8);
  atomicAdd(total, 0.5);
  atomicAdd(big, uint64_t(1) << 33);
  atomicMin(least, -int64_t(i) * 0x100000000l);
  if (i == 3) {
    wide = sqrt(double(2.0)) + double(i);
    mat2 m = mat2(total * 0.0 + 3.0, 1.0, 5.0, 2.0);
    determinant_of = determinant(m);
    mat2 n = inverse(m);
    inverse_of = float[4](n[0][0], n[0][1], n[1][0], n[1][1]);
  }
}
