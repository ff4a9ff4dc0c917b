// glslc: --target-env=vulkan1.2
#version 450
#extension GL_EXT_shader_explicit_arithmetic_types : require
// What specialization makes of constants of every type.
layout(local_size_x = 1) in;
layout(constant_id = 0) const bool kFlag = false;
layout(constant_id = 1) const int kInt = -1;
layout(constant_id = 2) const uint kUint = 1;
layout(constant_id = 3) const float kFloat = 1.5;
layout(constant_id = 4) const double kDouble = 2.5;
layout(constant_id = 5) const int64_t kLong = -3l;
layout(constant_id = 6) const int16_t kShort = 4s;
layout(constant_id = 7) const bool kOther = true;
const uint kDerived = kUint * 2 + (kFlag ? 100 : 0);
layout(set = 0, binding = 0) buffer Out { uint values[]; };
void main() {
  values[0] = kFlag ? 1 : 0;
  values[1] = uint(kInt);
  values[2] = kUint;
  values[3] = floatBitsToUint(kFloat);
  values[4] = floatBitsToUint(float(kDouble));
  values[5] = uint(kLong >> 32);
  values[6] = uint(int(kShort));
  values[7] = kOther ? 1 : 0;
  values[8] = kDerived;
}
