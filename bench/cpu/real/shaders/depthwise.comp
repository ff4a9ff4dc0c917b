// SPDX-License-Identifier: MIT OR Apache-2.0
// A convolution of 3 x 3 of each channel by itself, with a bias and a clamp.
//   0.0  x: f32[C][H][W], read  0.1  weight: f32[C][9], read  0.2  bias: f32[C], read
//   0.3  y: f32[C][OH][OW], written
// Launch: ceil(OW / size x), ceil(OH / size y), C workgroups.
#version 450
layout(local_size_x_id = 0, local_size_y_id = 1, local_size_z = 1) in;
layout(set = 0, binding = 0) readonly buffer X { float x[]; };
layout(set = 0, binding = 1) readonly buffer G { float weight[]; };
layout(set = 0, binding = 2) readonly buffer B { float bias[]; };
layout(set = 0, binding = 3) writeonly buffer Y { float y[]; };
layout(push_constant) uniform Parameters {
  int height, width, out_height, out_width, stride, pad;
  float least, most;
};

void main() {
  const ivec3 at = ivec3(gl_GlobalInvocationID);
  if (at.x >= out_width || at.y >= out_height) return;
  float sum = bias[at.z];
  for (int ky = 0; ky < 3; ++ky) {
    const int iy = at.y * stride - pad + ky;
    if (iy < 0 || iy >= height) continue;
    for (int kx = 0; kx < 3; ++kx) {
      const int ix = at.x * stride - pad + kx;
      if (ix < 0 || ix >= width) continue;
      sum = fma(x[(at.z * height + iy) * width + ix], weight[at.z * 9 + ky * 3 + kx], sum);
    }
  }
  y[(at.z * out_height + at.y) * out_width + at.x] = clamp(sum, least, most);
}
