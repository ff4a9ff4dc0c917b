// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The kernels of the table for which ISPC is natural, as its users write them: a `foreach` over
// what a work item was, in the range that one task is given. The arithmetic is that of the shaders.

export void ispc_saxpy(uniform int begin, uniform int end, uniform float a,
                       const uniform float x[], uniform float y[]) {
  foreach (i = begin ... end) {
    y[i] = a * x[i] + y[i];
  }
}

// The sum of one part.
export uniform float ispc_sum(uniform int count, const uniform float values[]) {
  float total = 0.0f;
  foreach (i = 0 ... count) {
    total += values[i];
  }
  return reduce_add(total);
}

// Rows [begin, end).
export void ispc_stencil(uniform int begin, uniform int end, uniform int width,
                         uniform int height, uniform float c, const uniform float before[],
                         uniform float after[]) {
  for (uniform int y = begin; y < end; ++y) {
    const uniform float *uniform row = before + y * width;
    uniform float *uniform out = after + y * width;
    if (y == 0 || y == height - 1) {
      foreach (x = 0 ... width) {
        out[x] = row[x];
      }
      continue;
    }
    const uniform float *uniform above = row - width;
    const uniform float *uniform below = row + width;
    out[0] = row[0];
    foreach (x = 1 ... width - 1) {
      const float value = row[x];
      const float around = row[x - 1] + row[x + 1] + above[x] + below[x];
      out[x] = value + c * (around - 4.0f * value);
    }
    out[width - 1] = row[width - 1];
  }
}

// Rows [begin, end).
export void ispc_mandelbrot(uniform int begin, uniform int end, uniform int width,
                            uniform int limit, uniform float left, uniform float top,
                            uniform float step, uniform int iterations[]) {
  foreach (row = begin ... end, column = 0 ... width) {
    const float cx = left + column * step, cy = top + row * step;
    float x = 0.0f, y = 0.0f;
    int count = 0;
    while (count < limit && x * x + y * y <= 4.0f) {
      const float next = x * x - y * y + cx;
      y = 2.0f * x * y + cy;
      x = next;
      ++count;
    }
    iterations[row * width + column] = count;
  }
}

// Bodies [begin, end) of n.
export void ispc_nbody(uniform int begin, uniform int end, uniform int n, uniform float dt,
                       uniform float softening2, const uniform float positions[],
                       uniform float velocities[], uniform float moved[]) {
  foreach (i = begin ... end) {
    const float x = positions[4 * i], y = positions[4 * i + 1], z = positions[4 * i + 2];
    float ax = 0.0f, ay = 0.0f, az = 0.0f;
    for (uniform int j = 0; j < n; ++j) {
      const float dx = positions[4 * j] - x, dy = positions[4 * j + 1] - y,
                  dz = positions[4 * j + 2] - z;
      const float inverse = rsqrt(dx * dx + dy * dy + dz * dz + softening2);
      const float pull = positions[4 * j + 3] * inverse * inverse * inverse;
      ax += dx * pull;
      ay += dy * pull;
      az += dz * pull;
    }
    const float vx = velocities[4 * i] + ax * dt, vy = velocities[4 * i + 1] + ay * dt,
                vz = velocities[4 * i + 2] + az * dt;
    velocities[4 * i] = vx;
    velocities[4 * i + 1] = vy;
    velocities[4 * i + 2] = vz;
    velocities[4 * i + 3] = 0.0f;
    moved[4 * i] = x + vx * dt;
    moved[4 * i + 1] = y + vy * dt;
    moved[4 * i + 2] = z + vz * dt;
    moved[4 * i + 3] = positions[4 * i + 3];
  }
}

static inline float normal(float d) {
  const float k = 1.0f / (1.0f + 0.2316419f * abs(d));
  const float tail =
      0.3989422804f * exp(-0.5f * d * d) *
      (k * (0.319381530f +
            k * (-0.356563782f + k * (1.781477937f + k * (-1.821255978f + k * 1.330274429f)))));
  return d > 0.0f ? 1.0f - tail : tail;
}

export void ispc_black_scholes(uniform int begin, uniform int end, uniform float rate,
                               uniform float volatility, const uniform float price[],
                               const uniform float strike[], const uniform float years[],
                               uniform float calls[], uniform float puts[]) {
  foreach (i = begin ... end) {
    const float s = price[i], x = strike[i], t = years[i];
    const float spread = volatility * sqrt(t);
    const float d1 = (log(s / x) + (rate + 0.5f * volatility * volatility) * t) / spread;
    const float d2 = d1 - spread;
    const float discounted = x * exp(-rate * t);
    const float n1 = normal(d1), n2 = normal(d2);
    calls[i] = s * n1 - discounted * n2;
    puts[i] = discounted * (1.0f - n2) - s * (1.0f - n1);
  }
}

// Rows [begin, end) of the product of m x k and k x n.
export void ispc_matmul(uniform int begin, uniform int end, uniform int n, uniform int k,
                        const uniform float a[], const uniform float b[], uniform float c[]) {
  for (uniform int row = begin; row < end; ++row) {
    foreach (column = 0 ... n) {
      float total = 0.0f;
      for (uniform int i = 0; i < k; ++i) {
        total += a[row * k + i] * b[i * n + column];
      }
      c[row * n + column] = total;
    }
  }
}

// Rows [begin, end); each lane has a row.
export void ispc_spmv(uniform int begin, uniform int end, const uniform int starts[],
                      const uniform int columns[], const uniform float values[],
                      const uniform float x[], uniform float y[]) {
  foreach (row = begin ... end) {
    float total = 0.0f;
    for (int i = starts[row]; i < starts[row + 1]; ++i) {
      total += values[i] * x[columns[i]];
    }
    y[row] = total;
  }
}
