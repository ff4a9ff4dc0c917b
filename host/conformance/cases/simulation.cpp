// SPDX-License-Identifier: MIT OR Apache-2.0
#include <fmt/format.h>

#include <array>
#include <cmath>

#include "case.hpp"

namespace sokr::conformance {
namespace {

// Iterations until escape. Every rounding grows on the way out, so that a pixel near the
// border may differ by any count; the case allows one pixel in a hundred.
Case mandelbrot(std::uint32_t width, std::uint32_t height, std::uint32_t most) {
  const float left = -2.0f, top = -1.2f, step = 2.4f / static_cast<float>(height);
  std::vector<double> counts;
  for (std::uint32_t row = 0; row < height; ++row) {
    for (std::uint32_t column = 0; column < width; ++column) {
      double cx = left + double(column) * step, cy = top + double(row) * step, x = 0, y = 0;
      std::uint32_t count = 0;
      for (; count < most && x * x + y * y <= 4; ++count) {
        double next = x * x - y * y + cx;
        y = 2 * x * y + cy;
        x = next;
      }
      counts.push_back(count);
    }
  }
  auto judge = [counts](std::span<const std::byte> bytes, Precision) -> std::string {
    std::vector<std::uint32_t> got = from_bytes<std::uint32_t>(bytes);
    std::size_t different = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
      if (got[i] != counts[i]) ++different;
    }
    if (different * 100 > got.size()) {
      return fmt::format("{} of {} pixels differ", different, got.size());
    }
    return "";
  };
  return Case()
      .threads(width, height)
      .push(width, height, most, left, top, step)
      .out({0, 0}, counts.size() * 4, {judge, false});
}

using Vec4 = std::array<float, 4>;

Case nbody(std::uint32_t n) {
  Random random(n);
  const float dt = 0.01f, softening2 = 0.05f;
  std::vector<Vec4> positions(n), velocities(n);
  for (std::uint32_t i = 0; i < n; ++i) {
    for (std::size_t axis = 0; axis < 3; ++axis) {
      positions[i][axis] = static_cast<float>(2 * random.unit() - 1);
      velocities[i][axis] = static_cast<float>(random.unit() - 0.5);
    }
    positions[i][3] = static_cast<float>(0.1 + random.unit());
    velocities[i][3] = 5;
  }
  std::vector<double> moved(4 * n), speeds(4 * n), speed_scale(4 * n), moved_scale(4 * n);
  for (std::uint32_t i = 0; i < n; ++i) {
    std::array<double, 3> pull{}, size{};
    for (std::uint32_t j = 0; j < n; ++j) {
      double distance2 = softening2;
      std::array<double, 3> away{};
      for (std::size_t axis = 0; axis < 3; ++axis) {
        away[axis] = double(positions[j][axis]) - positions[i][axis];
        distance2 += away[axis] * away[axis];
      }
      double factor = positions[j][3] / (distance2 * std::sqrt(distance2));
      for (std::size_t axis = 0; axis < 3; ++axis) {
        pull[axis] += away[axis] * factor;
        size[axis] += std::abs(away[axis] * factor);
      }
    }
    for (std::size_t axis = 0; axis < 3; ++axis) {
      std::size_t at = 4 * i + axis;
      speeds[at] = velocities[i][axis] + pull[axis] * dt;
      speed_scale[at] = std::abs(velocities[i][axis]) + size[axis] * dt;
      moved[at] = positions[i][axis] + speeds[at] * dt;
      moved_scale[at] = std::abs(positions[i][axis]) + speed_scale[at] * dt;
    }
    moved[4 * i + 3] = positions[i][3];
    moved_scale[4 * i + 3] = positions[i][3];
  }
  // A sum of n terms, each with three factors of an inverse square root of 2 ULP.
  Tolerance tolerance{.relative = (n + 20.0) * kEpsilon};
  return Case()
      .threads(n)
      .push(n, dt, softening2)
      .in({0, 0}, positions)
      .in_out({0, 1}, velocities, close<float>({speeds, tolerance, tolerance, speed_scale}))
      .out<float>({0, 2}, {moved, tolerance, tolerance, moved_scale});
}

double normal(double d) {
  double k = 1 / (1 + 0.2316419 * std::abs(d));
  double tail =
      0.3989422804 * std::exp(-0.5 * d * d) *
      (k * (0.319381530 +
            k * (-0.356563782 + k * (1.781477937 + k * (-1.821255978 + k * 1.330274429)))));
  return d > 0 ? 1 - tail : tail;
}

Case black_scholes(std::uint32_t n) {
  Random random(n);
  const float rate = 0.02f, volatility = 0.3f;
  std::vector<float> price = random.floats(n, 5, 30), strike = random.floats(n, 1, 100),
                     years = random.floats(n, 0.25, 10);
  std::vector<double> call(n), put(n), scale(n);
  for (std::uint32_t i = 0; i < n; ++i) {
    double s = price[i], x = strike[i], t = years[i], spread = volatility * std::sqrt(t);
    double d1 = (std::log(s / x) + (rate + 0.5 * volatility * volatility) * t) / spread;
    double d2 = d1 - spread, discounted = x * std::exp(-double(rate) * t);
    call[i] = s * normal(d1) - discounted * normal(d2);
    put[i] = discounted * (1 - normal(d2)) - s * (1 - normal(d1));
    scale[i] = s + discounted;
  }
  // Differences of products of about the size of the prices, each with a few dozen
  // roundings; the exponents' errors grow with |d|^2 / 2, up to about 150 here.
  Tolerance strict{.relative = 300 * kEpsilon}, vulkan{.relative = 1500 * kEpsilon};
  return Case()
      .threads(n)
      .push(n, rate, volatility)
      .in({0, 0}, price)
      .in({0, 1}, strike)
      .in({0, 2}, years)
      .out<float>({0, 3}, {call, strict, vulkan, scale})
      .out<float>({0, 4}, {put, strict, vulkan, scale});
}

Case stencil(std::uint32_t width, std::uint32_t height) {
  Random random(width + height);
  const float c = 0.2f;
  std::vector<float> before = random.floats(width * height, 0, 100);
  std::vector<double> after(before.begin(), before.end()), scale(before.begin(), before.end());
  for (std::uint32_t y = 1; y + 1 < height; ++y) {
    for (std::uint32_t x = 1; x + 1 < width; ++x) {
      std::size_t i = y * width + x;
      double around = double(before[i - 1]) + before[i + 1] + before[i - width] + before[i + width];
      after[i] = before[i] + double(c) * (around - 4.0 * before[i]);
      scale[i] = before[i] + double(c) * (around + 4.0 * before[i]);
    }
  }
  // Seven operations, each rounded.
  Tolerance tolerance{.relative = 7 * kEpsilon};
  return Case()
      .threads(width, height)
      .push(width, height, c)
      .in({0, 0}, before)
      .out<float>({0, 1}, {after, tolerance, tolerance, scale});
}

}  // namespace

std::vector<Entry> simulation_cases() {
  return {
      {"mandelbrot", "75x60", [] { return mandelbrot(75, 60, 100); }},
      {"nbody", "n=150", [] { return nbody(150); }},
      {"black_scholes", "n=600", [] { return black_scholes(600); }},
      {"stencil", "70x45", [] { return stencil(70, 45); }},
  };
}

}  // namespace sokr::conformance
