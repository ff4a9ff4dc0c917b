// SPDX-License-Identifier: MIT OR Apache-2.0
// Black-Scholes prices of European call and put options.
//   push  u32 n; f32 rate, volatility
//   0.0   price: f32[n], read   0.1  strike: f32[n], read   0.2  years: f32[n], read
//   0.3   call: f32[n], written   0.4  put: f32[n], written
// Launch: n threads.
#version 450
layout(local_size_x = 256) in;

layout(push_constant) uniform Params { uint n; float rate, volatility; };
layout(set = 0, binding = 0) readonly buffer Price { float price[]; };
layout(set = 0, binding = 1) readonly buffer Strike { float strike[]; };
layout(set = 0, binding = 2) readonly buffer Years { float years[]; };
layout(set = 0, binding = 3) writeonly buffer Call { float call[]; };
layout(set = 0, binding = 4) writeonly buffer Put { float put[]; };

// The normal distribution function, Abramowitz and Stegun 26.2.17.
float normal(float d) {
  float k = 1.0 / (1.0 + 0.2316419 * abs(d));
  float tail = 0.3989422804 * exp(-0.5 * d * d) *
      (k * (0.319381530 + k * (-0.356563782 + k * (1.781477937 +
       k * (-1.821255978 + k * 1.330274429)))));
  return d > 0.0 ? 1.0 - tail : tail;
}

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i >= n) return;
  float s = price[i], x = strike[i], t = years[i];
  float spread = volatility * sqrt(t);
  float d1 = (log(s / x) + (rate + 0.5 * volatility * volatility) * t) / spread;
  float d2 = d1 - spread;
  float discounted = x * exp(-rate * t);
  float n1 = normal(d1), n2 = normal(d2);
  call[i] = s * n1 - discounted * n2;
  put[i] = discounted * (1.0 - n2) - s * (1.0 - n1);
}
