// SPDX-License-Identifier: MIT OR Apache-2.0
// Packing, geometry and matrix functions.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "case.hpp"

namespace sokr::conformance {
namespace {

using Vec = std::array<float, 4>;
using Vec3 = std::array<double, 3>;

// Round to nearest; ties may go either way, so inputs avoid them.
std::uint32_t normalized(double value, double scale, unsigned bits) {
  auto rounded = static_cast<std::int32_t>(std::nearbyint(value * scale));
  return static_cast<std::uint32_t>(rounded) & ((1u << bits) - 1);
}

std::vector<Vec> pack_inputs(Random& random, std::size_t n) {
  std::vector<Vec> values(n);
  for (Vec& vector : values) {
    for (float& value : vector) {
      // Multiples of 1 / 65535 and of 1 / 32767, moved off the middle between two codes.
      value = static_cast<float>((random.u32() % 90000) / 32767.0 - 1.3 + 0.0000071);
    }
  }
  values[0] = {0, 1, -1, 0};
  values[1] = {2, -2, 2, -2};
  return values;
}

double from_signed(std::uint32_t word, unsigned shift, unsigned bits, double scale) {
  auto value = static_cast<std::int32_t>(word << (32 - bits - shift)) >> (32 - bits);
  return std::clamp(value / scale, -1.0, 1.0);
}

Case pack_unpack(std::uint32_t n) {
  Random random(n);
  std::vector<Vec> a = pack_inputs(random, n);
  std::vector<std::uint32_t> words = words_with_edges(random, n), packed;
  std::vector<double> unpacked;
  for (std::uint32_t i = 0; i < n; ++i) {
    std::array<double, 4> low{}, both{};
    for (std::size_t c = 0; c < 4; ++c) {
      low[c] = std::clamp(double(a[i][c]), 0.0, 1.0);
      both[c] = std::clamp(double(a[i][c]), -1.0, 1.0);
    }
    std::uint32_t unorm8 = 0, snorm8 = 0;
    for (std::size_t c = 0; c < 4; ++c) {
      unorm8 |= normalized(low[c], 255, 8) << (8 * c);
      snorm8 |= normalized(both[c], 127, 8) << (8 * c);
    }
    std::uint32_t halves = to_half(a[i][1]).bits | std::uint32_t{to_half(a[i][2]).bits} << 16;
    packed.insert(
        packed.end(),
        {unorm8, snorm8, normalized(low[0], 65535, 16) | normalized(low[1], 65535, 16) << 16,
         normalized(both[2], 32767, 16) | normalized(both[3], 32767, 16) << 16, halves});
    std::uint32_t word = words[i];
    for (unsigned c = 0; c < 4; ++c) unpacked.push_back(((word >> (8 * c)) & 255) / 255.0);
    for (unsigned c = 0; c < 4; ++c) unpacked.push_back(from_signed(word, 8 * c, 8, 127));
    unpacked.push_back((word & 0xFFFF) / 65535.0);
    unpacked.push_back(from_signed(word, 16, 16, 32767));
    unpacked.push_back(to_double(Half{static_cast<std::uint16_t>(word & 0x7BFF)}));
    unpacked.push_back(to_double(Half{static_cast<std::uint16_t>((word >> 16) & 0x7BFF)}));
  }
  // The scale is multiplied or divided by, with one rounding; subnormal halves are exact.
  return Case()
      .threads(n)
      .push(n)
      .in({0, 0}, a)
      .in({0, 1}, words)
      .out({0, 2}, packed)
      .out<float>({0, 3}, {unpacked, {.ulp = 2}});
}

double dot(const Vec3& u, const Vec3& v) {
  return u[0] * v[0] + u[1] * v[1] + u[2] * v[2];
}
double length(const Vec3& u) {
  return std::sqrt(dot(u, u));
}
Vec3 combine(double a, const Vec3& u, double b, const Vec3& v) {
  return {a * u[0] + b * v[0], a * u[1] + b * v[1], a * u[2] + b * v[2]};
}
Vec3 cross(const Vec3& u, const Vec3& v) {
  return {u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]};
}
Vec3 refract(const Vec3& in, const Vec3& normal, double eta) {
  double cosine = dot(normal, in), k = 1 - eta * eta * (1 - cosine * cosine);
  if (k < 0) return {0, 0, 0};
  return combine(eta, in, -(eta * cosine + std::sqrt(k)), normal);
}

Case math_geometry(std::uint32_t n) {
  Random random(n);
  std::vector<Vec> a(n), b(n);
  for (auto* list : {&a, &b}) {
    for (Vec& v : *list) {
      for (float& c : v) c = static_cast<float>(4 * random.unit() - 2);
    }
  }
  std::vector<double> expected(9 * 4 * n);
  for (std::uint32_t i = 0; i < n; ++i) {
    Vec3 u = {a[i][0], a[i][1], a[i][2]}, v = {b[i][0], b[i][1], b[i][2]};
    Vec3 normal = combine(1 / length(v), v, 0, v), direction = combine(1 / length(u), u, 0, u);
    auto put = [&](std::uint32_t function, const Vec3& value, double w = 0) {
      std::size_t at = 4 * (function * n + i);
      for (std::size_t c = 0; c < 3; ++c) expected[at + c] = value[c];
      expected[at + 3] = w;
    };
    put(0, {length(u), length(combine(1, u, -1, v)), dot(u, v)}, std::hypot(u[0], u[1]));
    put(1, direction);
    put(2, cross(u, v));
    put(3, dot(normal, v) < 0 ? u : combine(-1, u, 0, u));
    put(4, combine(1, u, -2 * dot(normal, u), normal));
    put(5, refract(direction, normal, 0.75));
    for (std::size_t c = 0; c < 4; ++c) {
      double x = a[i][c];
      expected[4 * (6 * n + i) + c] = std::exp2(x - std::floor(x));
      expected[4 * (7 * n + i) + c] = std::clamp(x, -1.0, 0.5);
      expected[4 * (8 * n + i) + c] = 0.75 * x + 0.25 * b[i][c];
    }
  }
  // Sums of products below 20, and roots and quotients of 2 ULP of values below 8.
  Tolerance strict{.absolute = 0x1p-19}, vulkan{.absolute = 0x1p-18};
  return Case().threads(n).push(n).in({0, 0}, a).in({0, 1}, b).out<float>(
      {0, 2}, {expected, strict, vulkan});
}

// matrix[column * size + row]
using Matrix = std::vector<double>;

Matrix corner(const Matrix& m, std::size_t from, std::size_t size) {
  Matrix result;
  for (std::size_t c = 0; c < size; ++c) {
    for (std::size_t r = 0; r < size; ++r) result.push_back(m[c * from + r]);
  }
  return result;
}

double determinant(Matrix m, std::size_t size) {
  double result = 1;
  for (std::size_t k = 0; k < size; ++k) {
    std::size_t pivot = k;
    for (std::size_t c = k; c < size; ++c) {
      if (std::abs(m[c * size + k]) > std::abs(m[pivot * size + k])) pivot = c;
    }
    if (pivot != k) {
      result = -result;
      for (std::size_t r = 0; r < size; ++r) std::swap(m[k * size + r], m[pivot * size + r]);
    }
    result *= m[k * size + k];
    for (std::size_t c = k + 1; c < size; ++c) {
      double factor = m[c * size + k] / m[k * size + k];
      for (std::size_t r = k; r < size; ++r) m[c * size + r] -= factor * m[k * size + r];
    }
  }
  return result;
}

// By Cramer's rule: column c, row r of the inverse is a cofactor over the determinant.
Matrix inverse(const Matrix& m, std::size_t size) {
  Matrix result(size * size);
  for (std::size_t c = 0; c < size; ++c) {
    for (std::size_t r = 0; r < size; ++r) {
      Matrix minor;
      for (std::size_t mc = 0; mc < size; ++mc) {
        for (std::size_t mr = 0; mr < size; ++mr) {
          if (mc != r && mr != c) minor.push_back(m[mc * size + mr]);
        }
      }
      double sign = (c + r) % 2 == 0 ? 1 : -1;
      result[c * size + r] = sign * determinant(minor, size - 1) / determinant(m, size);
    }
  }
  return result;
}

Case math_matrix(std::uint32_t n) {
  Random random(n);
  std::vector<float> m, v = random.floats(4 * n, -2, 2);
  std::vector<double> matrices, vectors;
  for (std::uint32_t i = 0; i < n; ++i) {
    Matrix a(16);
    for (std::size_t k = 0; k < 16; ++k) {
      // Small off the diagonal: well conditioned.
      auto value = static_cast<float>(random.unit() - 0.5 + (k % 5 == 0 ? 2.5 : 0.0));
      m.push_back(value);
      a[k] = value;
    }
    const float* u = v.data() + 4 * i;
    Matrix transpose(16), square(16), outer(16), inverted = inverse(a, 4);
    std::array<double, 4> right{}, left{};
    for (std::size_t c = 0; c < 4; ++c) {
      for (std::size_t r = 0; r < 4; ++r) {
        transpose[r * 4 + c] = a[c * 4 + r];
        outer[c * 4 + r] = double(u[r]) * u[c];
        for (std::size_t k = 0; k < 4; ++k) square[c * 4 + r] += a[k * 4 + r] * a[c * 4 + k];
        right[r] += a[c * 4 + r] * u[c];
        left[c] += a[c * 4 + r] * u[r];
      }
    }
    for (const Matrix& part : {transpose, inverted, square, outer}) {
      matrices.insert(matrices.end(), part.begin(), part.end());
    }
    for (double value : a) matrices.push_back(2 * value);
    vectors.insert(vectors.end(), right.begin(), right.end());
    vectors.insert(vectors.end(), left.begin(), left.end());
    Matrix three = corner(a, 4, 3), two = corner(a, 4, 2);
    for (double value :
         {determinant(a, 4), determinant(three, 3), determinant(two, 2), inverse(three, 3)[0]}) {
      vectors.push_back(value);
    }
  }
  // Sums of up to 24 products of four numbers up to 3.
  Tolerance tolerance{.absolute = 24 * 81 * kEpsilon};
  return Case()
      .threads(n)
      .push(n)
      .in({0, 0}, m)
      .in({0, 1}, v)
      .out<float>({0, 2}, {matrices, {.absolute = 64 * kEpsilon}})
      .out<float>({0, 3}, {vectors, tolerance});
}

}  // namespace

std::vector<Entry> vector_math_cases() {
  return {
      {"pack_unpack", "n=300", [] { return pack_unpack(300); }},
      {"math_geometry", "n=200", [] { return math_geometry(200); }},
      {"math_matrix", "n=40", [] { return math_matrix(40); }},
  };
}

}  // namespace sokr::conformance
