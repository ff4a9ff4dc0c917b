#version 450
#extension GL_EXT_spirv_intrinsics : require
// Subnormal results are flushed and the rest rounded toward zero.
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4465], 4460, 32);
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4468], 4463, 32);
layout(local_size_x = 32) in;
layout(set = 0, binding = 0) buffer Data { float data[]; };
layout(push_constant) uniform Push { float factor; };
void main() { data[gl_GlobalInvocationID.x] *= factor; }
