// SPDX-License-Identifier: MIT OR Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "case.hpp"

namespace sokr::conformance {
namespace {

using Vec4 = std::array<float, 4>;

std::vector<Vec4> picture(Random& random, std::size_t pixels) {
  std::vector<Vec4> values(pixels);
  for (Vec4& value : values) {
    for (float& channel : value) channel = static_cast<float>(random.unit());
  }
  return values;
}

Case blur(std::uint32_t width, std::uint32_t height, std::uint32_t radius, bool vertical) {
  Random random(width * height + radius);
  const float sigma = 0.4f * static_cast<float>(radius) + 0.5f;
  std::vector<Vec4> from = picture(random, width * height);
  std::vector<double> expected(4 * from.size());
  int reach = static_cast<int>(radius);
  for (std::uint32_t y = 0; y < height; ++y) {
    for (std::uint32_t x = 0; x < width; ++x) {
      double total = 0;
      std::array<double, 4> sum{};
      for (int i = -reach; i <= reach; ++i) {
        int sx = std::clamp(int(x) + (vertical ? 0 : i), 0, int(width) - 1);
        int sy = std::clamp(int(y) + (vertical ? i : 0), 0, int(height) - 1);
        double weight = std::exp(-0.5 * std::pow(i / double(sigma), 2));
        const Vec4& pixel = from[std::size_t(sy) * width + std::size_t(sx)];
        for (std::size_t c = 0; c < 4; ++c) sum[c] += weight * pixel[c];
        total += weight;
      }
      for (std::size_t c = 0; c < 4; ++c) expected[4 * (y * width + x) + c] = sum[c] / total;
    }
  }
  // 2 radius + 1 positive terms above and below the line, weights with an exponent of at
  // most 3.2 (Vulkan: 3 + 2 * 3.2 ULP).
  double terms = 2.0 * (2 * radius + 1);
  Tolerance strict{.relative = (terms + 20) * kEpsilon},
      vulkan{.relative = (terms + 50) * kEpsilon};
  std::uint32_t length = vertical ? height : width, rows = vertical ? width : height;
  return Case()
      .groups((length + 127) / 128, rows)
      .push(width, height, radius, std::uint32_t{vertical}, sigma)
      .in({0, 0}, from)
      .out<float>({0, 1}, {expected, strict, vulkan});
}

double luma(const std::array<double, 3>& color) {
  return 0.2126 * color[0] + 0.7152 * color[1] + 0.0722 * color[2];
}

double smoothstep(double low, double high, double x) {
  double t = std::clamp((x - low) / (high - low), 0.0, 1.0);
  return t * t * (3 - 2 * t);
}

std::array<double, 3> rgb(const Vec4& pixel) {
  return {pixel[0], pixel[1], pixel[2]};
}

struct Settings {
  std::uint32_t width, height;
  float sharpen, clarity, saturation, vignette;
};

std::array<double, 3> develop_pixel(const Settings& s, std::uint32_t x, std::uint32_t y,
                                    const Vec4& image, const Vec4& fine, const Vec4& coarse) {
  std::array<double, 3> color = rgb(image);
  double before = std::max(luma(color), 1e-4), clamped = std::clamp(before, 0.0, 1.0);
  double detail = before - luma(rgb(fine)), shape = before - luma(rgb(coarse));
  double midtones = 4 * clamped * (1 - clamped);
  double after = before + s.sharpen * detail + s.clarity * (0.3 + 0.7 * midtones) * shape;
  double factor = std::clamp(after / before, 0.25, 4.0);
  factor *= 1 + 0.8 * s.clarity * (1 - smoothstep(0, 0.35, luma(rgb(coarse))));
  for (double& c : color) {
    c *= factor;
    double over = std::max(c - 0.8, 0.0);
    c = std::min(c, 0.8) + over / (1 + 5 * over);
  }
  double grey = luma(color);
  double purity =
      std::max({color[0], color[1], color[2]}) - std::min({color[0], color[1], color[2]});
  double rich = 1 + s.saturation * (1 - std::clamp(2 * purity, 0.0, 1.0));
  double dx = (x + 0.5) / s.width * 2 - 1, dy = (y + 0.5) / s.height * 2 - 1;
  double shade = 1 - s.vignette * smoothstep(0.5, 2, dx * dx + dy * dy);
  for (double& c : color) {
    c = std::clamp((grey + (c - grey) * rich) * shade, 0.0, 1.0);
    c = c <= 0.0031308 ? 12.92 * c : 1.055 * std::pow(c, 1 / 2.4) - 0.055;
  }
  return color;
}

// Bytes may differ by one where the value is near the middle between two.
std::string judge_bytes(const std::vector<double>& expected, std::span<const std::byte> got) {
  for (std::size_t i = 0; i < got.size(); ++i) {
    double value = std::to_integer<int>(got[i]);
    if (std::abs(value - expected[i]) > 0.51) {
      return fmt::format("byte {}: got {}, expected {:.3f}", i, value, expected[i]);
    }
  }
  return "";
}

Case develop(std::uint32_t width, std::uint32_t height) {
  Random random(width * height);
  Settings s{width, height, 0.8f, 0.3f, 0.4f, 0.5f};
  std::vector<Vec4> image = picture(random, width * height), fine = picture(random, image.size()),
                    coarse = picture(random, image.size());
  std::vector<double> expected;
  for (std::uint32_t y = 0; y < height; ++y) {
    for (std::uint32_t x = 0; x < width; ++x) {
      std::size_t i = y * width + x;
      for (double c : develop_pixel(s, x, y, image[i], fine[i], coarse[i])) {
        expected.push_back(255 * c);
      }
      expected.push_back(255);
    }
  }
  auto judge = [expected](std::span<const std::byte> got, Precision) {
    return judge_bytes(expected, got);
  };
  return Case()
      .threads(width, height)
      .push(s)
      .in({0, 0}, image)
      .in({0, 1}, fine)
      .in({0, 2}, coarse)
      .out({0, 3}, expected.size(), {judge, false});
}

}  // namespace

std::vector<Entry> image_cases() {
  return {
      {"blur", "150x5 horizontal, radius 9", [] { return blur(150, 5, 9, false); }},
      {"blur", "7x140 vertical, radius 32", [] { return blur(7, 140, 32, true); }},
      {"blur", "20x3 horizontal, radius 0", [] { return blur(20, 3, 0, false); }},
      {"develop", "45x30", [] { return develop(45, 30); }},
  };
}

}  // namespace sokr::conformance
