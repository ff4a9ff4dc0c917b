// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The arithmetic of one lane, for sweeping the elementary functions.
#ifndef SOKR_TESTS_SUBSTRATES_CPU_MATH_SCALAR_OPS_HPP_
#define SOKR_TESTS_SUBSTRATES_CPU_MATH_SCALAR_OPS_HPP_

#include <bit>
#include <cmath>
#include <cstdint>

namespace sokr::cpu::math {

struct Int {
  std::uint32_t v;
  friend Int operator+(Int a, Int b) { return {a.v + b.v}; }
  friend Int operator-(Int a, Int b) { return {a.v - b.v}; }
  friend Int operator&(Int a, Int b) { return {a.v & b.v}; }
  friend Int operator|(Int a, Int b) { return {a.v | b.v}; }
  friend Int operator^(Int a, Int b) { return {a.v ^ b.v}; }
};

template <bool kFusedMultiplyAdd>
struct ScalarOps {
  using F = float;
  using D = double;
  using I = Int;
  using M = bool;
  static constexpr bool kFused = kFusedMultiplyAdd, kScales = false;

  F f(float c) { return c; }
  D d(double c) { return c; }
  I i(std::int32_t c) { return {static_cast<std::uint32_t>(c)}; }
  F mul_add(F a, F b, F c) { return kFused ? std::fma(a, b, c) : a * b + c; }
  D mul_add(D a, D b, D c) { return kFused ? std::fma(a, b, c) : a * b + c; }
  I shl(I a, int n) { return {a.v << n}; }
  I lshr(I a, int n) { return {a.v >> n}; }
  I ashr(I a, int n) { return {static_cast<std::uint32_t>(static_cast<std::int32_t>(a.v) >> n)}; }
  M lt(F a, F b) { return a < b; }
  M le(F a, F b) { return a <= b; }
  M eq(F a, F b) { return a == b; }
  M eq(I a, I b) { return a.v == b.v; }
  M below(I a, I b) { return a.v < b.v; }
  M any_of(M a, M b) { return a || b; }
  M both(M a, M b) { return a && b; }
  M negate(M a) { return !a; }
  F select(M m, F a, F b) { return m ? a : b; }
  I select(M m, I a, I b) { return m ? a : b; }
  I bits(F x) { return {std::bit_cast<std::uint32_t>(x)}; }
  F value(I x) { return std::bit_cast<float>(x.v); }
  F to_float(I x) { return static_cast<float>(static_cast<std::int32_t>(x.v)); }
  D widen(F x) { return x; }
  F narrow(D x) { return static_cast<float>(x); }
  F sqrt(F x) { return std::sqrt(x); }
  template <class Pair, class Compute>
  Pair if_any(M m, Pair current, Compute compute) {
    return m ? compute() : current;
  }
};

}  // namespace sokr::cpu::math

#endif  // SOKR_TESTS_SUBSTRATES_CPU_MATH_SCALAR_OPS_HPP_
