// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Transforms and bodies.
#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <vector>

#include "handwritten.hpp"
#include "wide.hpp"

namespace sokr::bench::real::handwritten {

using Range = tbb::blocked_range<std::size_t>;

namespace {

// A square of points, columns side by side in registers: first the columns are transformed, then,
// turned and transposed, what were the rows. kSide is 32 or 64.
template <std::size_t kSide>
struct Square {
  static constexpr std::size_t kPoints = kSide * kSide;
  alignas(64) float re[kPoints], im[kPoints];
};

// e^(-2 pi i n k / points) at [k][n].
template <std::size_t kSide>
const Square<kSide>& turns() {
  static const Square<kSide> table = [] {
    Square<kSide> made;
    for (std::size_t k = 0; k < kSide; ++k)
      for (std::size_t n = 0; n < kSide; ++n) {
        const double angle = -2 * std::numbers::pi * double(k * n) / double(kSide * kSide);
        made.re[k * kSide + n] = static_cast<float>(std::cos(angle));
        made.im[k * kSide + n] = static_cast<float>(std::sin(angle));
      }
    return made;
  }();
  return table;
}

// e^(-2 pi i n / kSide).
template <std::size_t kSide>
struct Wheel {
  float re[kSide], im[kSide];
};
template <std::size_t kSide>
const Wheel<kSide>& wheel() {
  static const Wheel<kSide> table = [] {
    Wheel<kSide> made;
    for (std::size_t i = 0; i < kSide; ++i) {
      made.re[i] = static_cast<float>(std::cos(-2 * std::numbers::pi * double(i) / double(kSide)));
      made.im[i] = static_cast<float>(std::sin(-2 * std::numbers::pi * double(i) / double(kSide)));
    }
    return made;
  }();
  return table;
}

struct C {
  F re, im;
};
inline C operator+(C a, C b) {
  return {a.re + b.re, a.im + b.im};
}
inline C operator-(C a, C b) {
  return {a.re - b.re, a.im - b.im};
}
inline C times(C a, float re, float im) {
  return {a.re * re - a.im * im, a.re * im + a.im * re};
}
inline C quarter_turned(C a) {
  return {a.im, -a.re};
}

// Four and eight points in place, in order.
inline void transform(C (&x)[4]) {
  const C s0 = x[0] + x[2], s1 = x[0] - x[2], s2 = x[1] + x[3], s3 = quarter_turned(x[1] - x[3]);
  x[0] = s0 + s2;
  x[1] = s1 + s3;
  x[2] = s0 - s2;
  x[3] = s1 - s3;
}
inline void transform(C (&x)[8]) {
  constexpr float kHalf = std::numbers::sqrt2_v<float> / 2;
  C even[4] = {x[0], x[2], x[4], x[6]}, odd[4] = {x[1], x[3], x[5], x[7]};
  transform(even);
  transform(odd);
  odd[1] = times(odd[1], kHalf, -kHalf);
  odd[2] = quarter_turned(odd[2]);
  odd[3] = times(odd[3], -kHalf, -kHalf);
#pragma GCC unroll 4
  for (std::size_t i = 0; i < 4; ++i) {
    x[i] = even[i] + odd[i];
    x[i + 4] = even[i] - odd[i];
  }
}

// The columns of kWidth lanes: kSide = kFirst * 8 points at distance kSide, first kFirst of them
// together, then eight. Result k goes to row k.
template <std::size_t kSide>
void transform_columns(const float* re, const float* im, float* to_re, float* to_im) {
  constexpr std::size_t kFirst = kSide / 8;
  const Wheel<kSide>& w = wheel<kSide>();
  C v[8][kFirst];  // [n of 8][k of kFirst]
  for (std::size_t n = 0; n < 8; ++n) {
    C x[kFirst];
#pragma GCC unroll 8
    for (std::size_t i = 0; i < kFirst; ++i)
      x[i] = {load<F>(re + (n + 8 * i) * kSide), load<F>(im + (n + 8 * i) * kSide)};
    transform(x);
    v[n][0] = x[0];
#pragma GCC unroll 8
    for (std::size_t k = 1; k < kFirst; ++k) v[n][k] = times(x[k], w.re[n * k], w.im[n * k]);
  }
  for (std::size_t k = 0; k < kFirst; ++k) {
    C x[8];
#pragma GCC unroll 8
    for (std::size_t n = 0; n < 8; ++n) x[n] = v[n][k];
    transform(x);
#pragma GCC unroll 8
    for (std::size_t j = 0; j < 8; ++j) {
      store(to_re + (k + kFirst * j) * kSide, x[j].re);
      store(to_im + (k + kFirst * j) * kSide, x[j].im);
    }
  }
}

template <std::size_t kSide>
void transpose(const float* from, float* to) {
  constexpr std::size_t kTile = 8;
  for (std::size_t row = 0; row < kSide; row += kTile)
    for (std::size_t column = 0; column < kSide; column += kTile)
      for (std::size_t i = 0; i < kTile; ++i)
#pragma GCC unroll 8
        for (std::size_t j = 0; j < kTile; ++j)
          to[(column + i) * kSide + row + j] = from[(row + j) * kSide + column + i];
}

template <std::size_t kSide>
void transform_square(const float* from, float* to) {
  constexpr std::size_t kPoints = kSide * kSide;
  const Square<kSide>& w = turns<kSide>();
  static thread_local Square<kSide> a, b;
  for (std::size_t i = 0; i < kPoints; ++i) {
    a.re[i] = from[2 * i];
    a.im[i] = from[2 * i + 1];
  }
  for (std::size_t n = 0; n < kSide; n += kWidth)
    transform_columns<kSide>(a.re + n, a.im + n, b.re + n, b.im + n);
  for (std::size_t i = 0; i < kPoints; i += kWidth) {
    const F re = load<F>(b.re + i), im = load<F>(b.im + i);
    const F by_re = load<F>(w.re + i), by_im = load<F>(w.im + i);
    store(b.re + i, re * by_re - im * by_im);
    store(b.im + i, re * by_im + im * by_re);
  }
  transpose<kSide>(b.re, a.re);
  transpose<kSide>(b.im, a.im);
  for (std::size_t n = 0; n < kSide; n += kWidth)
    transform_columns<kSide>(a.re + n, a.im + n, b.re + n, b.im + n);
  for (std::size_t i = 0; i < kPoints; ++i) {
    to[2 * i] = b.re[i];
    to[2 * i + 1] = b.im[i];
  }
}

template <std::size_t kSide>
void transform_all(std::size_t batch, Buffers buffers) {
  const float* from = at<float>(buffers, 0);
  float* to = at<float>(buffers, 1);
  tbb::parallel_for(Range(0, batch, 4), [=](const Range& range) {
    for (std::size_t i = range.begin(); i < range.end(); ++i)
      transform_square<kSide>(from + i * 2 * kSide * kSide, to + i * 2 * kSide * kSide);
  });
}

// Other sizes, which are only compared: halves of halves.
void transform_any(const std::complex<float>* from, std::size_t n, std::size_t step,
                   std::complex<float>* to) {
  if (n == 1) {
    to[0] = from[0];
    return;
  }
  transform_any(from, n / 2, 2 * step, to);
  transform_any(from + step, n / 2, 2 * step, to + n / 2);
  for (std::size_t i = 0; i < n / 2; ++i) {
    const auto turned = std::polar(1.0, -2 * std::numbers::pi * double(i) / double(n)) *
                        std::complex<double>(to[i + n / 2]);
    const std::complex<double> even(to[i]);
    to[i] = std::complex<float>(even + turned);
    to[i + n / 2] = std::complex<float>(even - turned);
  }
}

}  // namespace

void fft_1024(const Size& size, Buffers buffers) {
  transform_all<32>(size[0], buffers);
}

void fft_4096(const Size& size, Buffers buffers) {
  if (size[1] == 4096) {
    transform_all<64>(size[0], buffers);
    return;
  }
  for (std::size_t i = 0; i < size[0]; ++i)
    transform_any(at<std::complex<float>>(buffers, 0) + i * size[1], size[1], 1,
                  at<std::complex<float>>(buffers, 1) + i * size[1]);
}

// kWidth bodies in a register, each other one broadcast; x^-0.75 is y sqrt(y) of y = x^-0.5.
void nbody_pow(const Size& size, Buffers buffers) {
  const std::size_t n = size[0];
  const float* p = at<float>(buffers, 0);
  float* v = at<float>(buffers, 1);
  constexpr float kStep = 0.01f, kSoften = 0.05f;
  tbb::parallel_for(Range(0, (n + kWidth - 1) / kWidth, 4), [=](const Range& range) {
    for (std::size_t block = range.begin(); block < range.end(); ++block) {
      F mine[3] = {}, pull[3] = {};
      const std::size_t first = block * kWidth, count = std::min<std::size_t>(kWidth, n - first);
      for (std::size_t lane = 0; lane < count; ++lane)
        for (std::size_t axis = 0; axis < 3; ++axis)
          mine[axis][lane] = p[4 * (first + lane) + axis];
      for (std::size_t j = 0; j < n; ++j) {
        const F x = p[4 * j] - mine[0], y = p[4 * j + 1] - mine[1], z = p[4 * j + 2] - mine[2];
        const F root = inverse_sqrt(x * x + y * y + z * z + kSoften);
        const F by = p[4 * j + 3] * root * square_root(root);
        pull[0] += x * by;
        pull[1] += y * by;
        pull[2] += z * by;
      }
      for (std::size_t lane = 0; lane < count; ++lane)
        for (std::size_t axis = 0; axis < 3; ++axis)
          v[4 * (first + lane) + axis] += kStep * pull[axis][lane];
    }
  });
}

}  // namespace sokr::bench::real::handwritten
