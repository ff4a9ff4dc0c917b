// SPDX-License-Identifier: MIT OR Apache-2.0
// Where members lie in memory: std140, std430, matrices of both orders.
#include <array>
#include <cmath>

#include "case.hpp"

namespace sokr::conformance {
namespace {

// matrix[column][row], for the C++ side of everything below.
using Matrix = std::vector<std::vector<double>>;

Matrix random_matrix(Random& random, std::size_t columns, std::size_t rows) {
  Matrix matrix(columns, std::vector<double>(rows));
  for (auto& column : matrix) {
    // Few bits, so that sums and products below are exact in f32.
    for (double& value : column) value = (static_cast<int>(random.u32() % 33) - 16) * 0.25;
  }
  return matrix;
}

// Writes the matrix with `stride` bytes from one column (row-major: row) to the next.
void put(Packer& packer, std::size_t offset, const Matrix& matrix, std::size_t stride,
         bool row_major) {
  for (std::size_t c = 0; c < matrix.size(); ++c) {
    for (std::size_t r = 0; r < matrix[c].size(); ++r) {
      std::size_t at = row_major ? r * stride + 4 * c : c * stride + 4 * r;
      packer.at(offset + at, static_cast<float>(matrix[c][r]));
    }
  }
}

// The floats of `packer` as numbers.
std::vector<double> floats_of(const Bytes& bytes) {
  std::vector<float> values = from_bytes<float>(bytes);
  return {values.begin(), values.end()};
}

Case uniform_std140() {
  Random random(140);
  Packer block(256);
  std::vector<double> expected;
  auto put_float = [&](std::size_t offset, double value) {
    block.at(offset, static_cast<float>(value));
    expected.push_back(value);
  };
  put_float(0, 2.5);  // gain
  std::array<double, 3> tint = {1, -2, 0.5};
  for (std::size_t i = 0; i < 3; ++i) put_float(16 + 4 * i, tint[i]);   // tint
  for (std::size_t i = 0; i < 3; ++i) put_float(32 + 16 * i, 7.0 + i);  // weights
  for (std::size_t light = 0; light < 2; ++light) {
    std::size_t at = 80 + 32 * light;
    for (std::size_t i = 0; i < 6; ++i) put_float(at + 4 * i, 10.0 * (light + 1) + i);
  }
  Matrix turn = random_matrix(random, 3, 3), skew = random_matrix(random, 2, 3);
  put(block, 144, turn, 16, false);
  put(block, 192, skew, 16, true);
  for (const Matrix& matrix : {turn, skew}) {
    for (const auto& column : matrix) expected.insert(expected.end(), column.begin(), column.end());
  }
  for (std::size_t row = 0; row < 3; ++row) {
    double sum = 0;
    for (std::size_t column = 0; column < 3; ++column) sum += turn[column][row] * tint[column];
    expected.push_back(sum);
  }
  block.at(240, std::int32_t{9}).at(244, std::int32_t{30}).at(248, std::uint32_t{1});
  expected.insert(expected.end(), {-21, 1});
  expected.resize(64, 0);
  // Every number has few bits: all sums are exact.
  return Case().groups(1).in({1, 0}, block.bytes()).out<float>({0, 0}, {expected, {}});
}

Case storage_std430(std::uint32_t n) {
  constexpr std::size_t kA = 48, kB = 64;
  Random random(n);
  Packer from(n * kA), to(16 + n * kB);
  to.at(0, n);
  for (std::uint32_t i = 0; i < n; ++i) {
    std::size_t a = i * kA, b = 16 + i * kB;
    std::array<float, 3> position;
    for (std::size_t k = 0; k < 3; ++k) {
      position[k] = static_cast<float>(random.unit());
      from.at(a + 4 * k, position[k]);
      to.at(b + 16 + 4 * (2 - k), position[k]);
    }
    auto mass = static_cast<float>(random.unit());
    from.at(a + 12, mass);
    to.at(b, mass);
    for (std::size_t k = 0; k < 3; ++k) {
      std::uint32_t flag = random.u32();
      from.at(a + 16 + 4 * k, flag);
      to.at(b + 48 + 4 * k, flag);
    }
    to.at(b + 60, std::uint32_t{0xFF});
    for (std::size_t column = 0; column < 2; ++column) {
      for (std::size_t row = 0; row < 2; ++row) {
        auto value = static_cast<float>(random.unit());
        from.at(a + 32 + 8 * column + 4 * row, value);
        to.at(b + 32 + 8 * row + 4 * column, value);
      }
    }
  }
  // The padding is nobody's: 12 bytes behind the header, 12 behind each mass and 4 behind
  // each position.
  auto judge = [expected = to.bytes(), n](std::span<const std::byte> got,
                                          Precision precision) -> std::string {
    Bytes cleared(got.begin(), got.end());
    auto clear = [&cleared](std::size_t at, std::size_t size) {
      std::fill_n(cleared.begin() + static_cast<std::ptrdiff_t>(at), size, std::byte{0});
    };
    clear(4, 12);
    for (std::uint32_t i = 0; i < n; ++i) {
      clear(16 + i * kB + 4, 12);
      clear(16 + i * kB + 28, 4);
    }
    return exactly(expected).judge(cleared, precision);
  };
  return Case()
      .threads(n)
      .push(n)
      .in({0, 0}, from.bytes())
      .out({0, 1}, to.bytes().size(), {judge, false});
}

double determinant3(const Matrix& m) {
  return m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) -
         m[1][0] * (m[0][1] * m[2][2] - m[0][2] * m[2][1]) +
         m[2][0] * (m[0][1] * m[1][2] - m[0][2] * m[1][1]);
}

// matrix * vector
std::vector<double> times(const Matrix& matrix, const std::vector<double>& vector) {
  std::vector<double> result(matrix[0].size());
  for (std::size_t c = 0; c < matrix.size(); ++c) {
    for (std::size_t r = 0; r < result.size(); ++r) result[r] += matrix[c][r] * vector[c];
  }
  return result;
}

Matrix transposed(const Matrix& matrix) {
  Matrix result(matrix[0].size(), std::vector<double>(matrix.size()));
  for (std::size_t c = 0; c < matrix.size(); ++c) {
    for (std::size_t r = 0; r < matrix[c].size(); ++r) result[r][c] = matrix[c][r];
  }
  return result;
}

Case matrix_layouts() {
  Random random(430);
  Matrix a = random_matrix(random, 4, 4), b = random_matrix(random, 3, 3),
         c = random_matrix(random, 2, 3), d = random_matrix(random, 4, 2),
         e0 = random_matrix(random, 3, 3), e1 = random_matrix(random, 3, 3);
  Packer in(272), out(272);
  put(in, 0, a, 16, true);
  put(in, 64, b, 16, false);
  put(in, 112, c, 8, true);   // three rows of two
  put(in, 136, d, 8, false);  // four columns of two
  put(in, 176, e0, 16, true);
  put(in, 224, e1, 16, true);
  put(out, 0, a, 16, false);
  put(out, 64, b, 16, true);
  put(out, 112, c, 16, false);  // two columns of three
  put(out, 144, d, 16, true);   // two rows of four
  put(out, 176, e1, 16, false);
  put(out, 224, e0, 16, false);
  // The fourth float of each three-component column or row is padding.
  auto judge = [expected = floats_of(out.bytes())](std::span<const std::byte> got,
                                                   Precision precision) {
    std::vector<float> values = from_bytes<float>(got);
    for (std::size_t at : {76, 92, 108, 124, 140, 188, 204, 220, 236, 252, 268}) values[at / 4] = 0;
    return close<float>({expected, {}}).judge(to_bytes(values), precision);
  };
  std::vector<double> products = times(a, {1, 2, 3, 4});
  std::vector<double> row = times(transposed(b), {1, -1, 2}), skewed = times(c, {3, 5});
  products.insert(products.end(), {row[0], row[1], row[2], 0});
  products.insert(products.end(), {skewed[0], skewed[1], skewed[2], determinant3(b)});
  std::vector<double> dv = times(d, {1, 2, 3, 4}), dt = times(transposed(d), {2, 1});
  products.insert(products.end(), {dv[0], dv[1], dt[0], dt[3]});
  return Case()
      .groups(1)
      .in({0, 0}, in.bytes())
      .out({0, 1}, out.bytes().size(), {judge, false})
      .out<float>({0, 2}, {products, {}});
}

}  // namespace

std::vector<Entry> layout_cases() {
  return {
      {"uniform_std140", "one block", uniform_std140},
      {"storage_std430", "n=40", [] { return storage_std430(40); }},
      {"matrix_layouts", "one block", matrix_layouts},
  };
}

}  // namespace sokr::conformance
