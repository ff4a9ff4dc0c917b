// SPDX-License-Identifier: MIT OR Apache-2.0
// A step of Adam with decoupled weight decay.
//   0.0  x  0.1  gradient, read  0.2  m  0.3  v: f32[n] each, read and written but the gradient
//   0.4  parameters: f32[7]: rate, beta1, beta2, epsilon, decay, beta1 and beta2 to the step, read
// Launch: ceil(n / size) workgroups.
#version 450
layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0) buffer X { float x[]; };
layout(set = 0, binding = 1) readonly buffer G { float gradient[]; };
layout(set = 0, binding = 2) buffer M { float m[]; };
layout(set = 0, binding = 3) buffer V { float v[]; };
layout(set = 0, binding = 4) readonly buffer P { float parameters[7]; };
layout(push_constant) uniform Parameters { uint n; };

void main() {
  const uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  const float rate = parameters[0], beta1 = parameters[1], beta2 = parameters[2];
  const float g = gradient[i];
  const float now_m = m[i] * beta1 + g * (1.0 - beta1), now_v = v[i] * beta2 + g * g * (1.0 - beta2);
  m[i] = now_m;
  v[i] = now_v;
  const float mh = now_m / (1.0 - parameters[5]), vh = sqrt(now_v / (1.0 - parameters[6])) + parameters[3];
  x[i] = x[i] * (1.0 - rate * parameters[4]) - rate * mh / vh;
}
