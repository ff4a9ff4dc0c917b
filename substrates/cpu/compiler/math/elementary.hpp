// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Elementary functions of float32, written once over abstract operations.
//
// `Ops` is an arithmetic: the code generator instantiates it with values of LLVM IR,
// the tests with plain floats, so that every bit pattern can be swept at full speed
// without a compiler in between. There are no tables and no data-dependent branches
// except `if_any`, which skips work that no lane needs.
//
// Ops provides the types F (float), D (double), I (32-bit integer) and M (mask),
// and these operations; all are exact IEEE operations in round-to-nearest:
//   f(c) d(c) i(c)                         constants
//   F and D: + - * / and mul_add(a, b, c) = a * b + c, fused if the target can
//   I: + - & | ^, shl(a, n) lshr(a, n) ashr(a, n) by a constant
//   lt le eq (F, F), eq (I, I)             ordered comparisons; below(I, I) of unsigned ones
//   any_of(m, n) both(m, n) negate(m)      logic
//   select(m, a, b)                        of F or I
//   bits(F) value(I) to_float(I) widen(F) narrow(D) sqrt(F)
//   scale(F x, F n)                        x * 2^n for whole n, rounded once; only if kScales
//   if_any(m, pair, [&] { ... })           the callable's pair of F if any lane is set
//                                          in m, else `pair`
// NaN operands are never given to a conversion whose result would be undefined.
//
// Accuracy: at most 4 ULP on the whole range of each function but pow, 16 ULP of that (sin, cos,
// tan: for |x| <= 2^31; beyond that the result is in range but has no accuracy). Polynomials are
// minimax (Remez exchange, relative error), their errors stand beside them. Range reductions: Cody
// and Waite (1980); Muller, Elementary Functions, ch. 11.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_MATH_ELEMENTARY_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_MATH_ELEMENTARY_HPP_

#include "compiler/math/elementary_parts.hpp"

namespace sokr::cpu::math {

template <class Ops>
class Elementary : public ElementaryParts<Ops> {
  using Parts = ElementaryParts<Ops>;
  using Parts::arc_argument;
  using Parts::arc_tail;
  using Parts::atan_unit;
  using Parts::clamp;
  using Parts::exp_scaled;
  using Parts::from_half_pi;
  using Parts::is_nan;
  using Parts::is_odd;
  using Parts::keep_zero;
  using Parts::kHalfPiHigh;
  using Parts::kHalfPiLow;
  using Parts::kInfinity;
  using Parts::kInvLn2High;
  using Parts::kInvLn2Low;
  using Parts::kLn2;
  using Parts::kLn2High;
  using Parts::kLn2Low;
  using Parts::kNan;
  using Parts::kPiHigh;
  using Parts::kPiLow;
  using Parts::log_specials;
  using Parts::log_tail;
  using Parts::nan_outside_unit;
  using Parts::o_;
  using Parts::poly;
  using Parts::pow_double;
  using Parts::pow_pair;
  using Parts::pow_specials;
  using Parts::reduce;
  using Parts::round;
  using Parts::scale;
  using Parts::select_quadrant;
  using Parts::split;
  using Parts::with_flip;
  using Parts::with_sign_of_number;
  using typename Parts::FloatPair;
  using typename Parts::Rounded;

 public:
  using F = typename Ops::F;
  using D = typename Ops::D;
  using I = typename Ops::I;
  using M = typename Ops::M;
  using Parts::abs;
  using Parts::neg;
  using Parts::with_sign;

  explicit Elementary(Ops& ops) : Parts(ops) {}

  F exp2(F x) {
    x = clamp(x, -152.0f, 129.0f);
    const Rounded power = round(x);
    F r = x - power.whole;
    F p = poly(r, {0x1.62e430p-1f, 0x1.ebfbdcp-3f, 0x1.c6aee6p-5f, 0x1.3b2d54p-7f, 0x1.5f400ap-10f,
                   0x1.41f9f0p-13f});  // (2^r - 1) / r, 2^-28.9
    return scale(o_.mul_add(r, p, o_.f(1.0f)), power);
  }

  F exp(F x) { return exp_scaled(x, 0); }

  F log(F x) {
    auto [e, f] = split(x);
    F z = f * f;
    F q = log_tail(f) * z * f;
    q = o_.mul_add(e, o_.f(kLn2Low), q);
    q = o_.mul_add(o_.f(-0.5f), z, q);
    return log_specials(x, o_.mul_add(e, o_.f(kLn2High), f + q));
  }

  // e + f / ln 2, with the leading product in two parts so that nothing is lost near 1.
  F log2(F x) {
    auto [e, f] = split(x);
    F z = f * f;
    F tail = o_.mul_add(o_.f(-0.5f), z, log_tail(f) * z * f);
    F high = o_.value(o_.bits(f) & o_.i(~0xfff));
    F low = (f - high) + tail;
    F sum = low * o_.f(kInvLn2Low);
    sum = o_.mul_add(high, o_.f(kInvLn2Low), sum);
    sum = o_.mul_add(low, o_.f(kInvLn2High), sum);
    F main = high * o_.f(kInvLn2High);  // exact: 12 bits by 12 bits
    return log_specials(x, e + main + sum);
  }

  // x^y for x >= 0 as in C; NaN for x < 0, whatever y is (GLSL.std.450 leaves it
  // undefined). y may multiply the error of the logarithm by 128, so that is carried in two
  // floats where multiply-add is fused, and in double elsewhere.
  F pow(F x, F y) {
    if constexpr (!Ops::kFused) return pow_specials(x, y, pow_double(x, y));
    auto [e, f] = split(x);
    F result = pow_pair(e, f, y);
    // All but a positive normal number and a finite one.
    I above = o_.bits(x) - o_.i(0x00800000);
    M special = o_.any_of(o_.negate(o_.below(above, o_.i(0x7f000000))),
                          o_.negate(o_.lt(abs(y), o_.f(kInfinity))));
    return o_
        .if_any(special, FloatPair{result, result},
                [&] {
                  F all = pow_specials(x, y, result);
                  return FloatPair{all, all};
                })
        .first;
  }

  // x^(quarters / 4) for x >= 0, NaN for x < 0: 1 <= |quarters| <= kMostQuarters.
  static constexpr int kMostQuarters = 16;
  F pow_quarters(F x, int quarters) {
    const int most = quarters < 0 ? -quarters : quarters;
    F base = abs(x);
    // Nothing overflows on the way to a result that is in range: the root of the power's
    // inverse where that is small, the power of the inverse where it is large.
    const bool inverse_first = quarters < 0 && most >= 4;
    if (inverse_first) base = o_.f(1.0f) / base;
    F result = base;
    bool some = false;
    auto times = [&](F factor) { result = some ? result * factor : factor, some = true; };
    if (most / 4 >= 2) {
      F square = base * base;
      times(most / 4 == 4 ? square * square : square);
    }
    if (most / 4 % 2 == 1) times(base);
    if (most % 4 != 0) {
      F root = o_.sqrt(base);
      if (most % 4 >= 2) times(root);
      if (most % 2 == 1) times(o_.sqrt(root));
    }
    if (quarters < 0 && !inverse_first) result = o_.f(1.0f) / result;
    return o_.select(o_.lt(x, o_.f(0.0f)), o_.f(kNan), result);
  }

  F sin(F x) {
    auto [q, r] = reduce(x);
    F s = select_quadrant(q, r);
    F result = o_.value(o_.bits(s) ^ o_.shl(q & o_.i(2), 30));
    return keep_zero(x, result);
  }

  F cos(F x) {
    auto [q, r] = reduce(x);
    I next = q + o_.i(1);
    F s = select_quadrant(next, r);
    return o_.value(o_.bits(s) ^ o_.shl(next & o_.i(2), 30));
  }

  F tan(F x) {
    auto [q, r] = reduce(x);
    F z = r * r;
    F p = poly(z, {0x1.555562p-2f, 0x1.110d38p-3f, 0x1.baea4ap-5f, 0x1.5c2246p-6f, 0x1.65d090p-7f,
                   -0x1.ab009ap-17f, 0x1.21ffb0p-8f});  // 2^-29.4
    F t = o_.mul_add(z * r, p, r);
    return keep_zero(x, o_.select(is_odd(q), o_.f(-1.0f) / t, t));
  }

  F asin(F x) {
    F a = abs(x);
    M big = o_.lt(o_.f(0.5f), a);
    auto [r, z] = arc_argument(a, big);
    F p = o_.mul_add(z * r, arc_tail(z), r);
    F far = o_.mul_add(o_.f(-2.0f), p, o_.f(kHalfPiHigh)) + o_.f(kHalfPiLow);
    return with_sign(nan_outside_unit(a, o_.select(big, far, p)), x);
  }

  F acos(F x) {
    F a = abs(x);
    M big = o_.lt(o_.f(0.5f), a);
    auto [r, z] = arc_argument(a, big);
    F tail = z * r * arc_tail(z);
    F twice = o_.f(2.0f) * (r + tail);
    M negative = o_.lt(x, o_.f(0.0f));
    F far = o_.select(negative, o_.f(kPiHigh) - (twice - o_.f(kPiLow)), twice);
    F p = with_sign(r, x);
    F near = o_.f(kHalfPiHigh) - (p - (o_.f(kHalfPiLow) - with_flip(tail, x)));
    return nan_outside_unit(a, o_.select(big, far, near));
  }

  F atan(F x) {
    F a = abs(x);
    M big = o_.lt(o_.f(1.0f), a);
    F t = o_.select(big, o_.f(1.0f) / a, a);
    return with_sign(o_.select(big, from_half_pi(atan_unit(t)), atan_unit(t)), x);
  }

  F atan2(F y, F x) {
    F ax = abs(x), ay = abs(y);
    M steep = o_.lt(ax, ay);
    F low = o_.select(steep, ax, ay), high = o_.select(steep, ay, ax);
    F ratio = low / high;
    ratio = o_.select(o_.eq(low, high), o_.f(1.0f), ratio);  // inf / inf
    ratio = o_.select(o_.eq(high, o_.f(0.0f)), o_.f(0.0f), ratio);
    F r = atan_unit(ratio);
    r = o_.select(steep, from_half_pi(r), r);
    M left = o_.eq(o_.lshr(o_.bits(x), 31), o_.i(1));
    F mirrored = o_.f(kPiHigh) - (r - o_.f(kPiLow));
    r = with_sign(o_.select(left, mirrored, r), y);
    return o_.select(o_.any_of(is_nan(x), is_nan(y)), x + y, r);
  }

  F sinh(F x) {
    F a = abs(x);
    F z = x * x;
    F small = o_.mul_add(
        z * x, poly(z, {0x1.555556p-3f, 0x1.111136p-7f, 0x1.9ffe12p-13f, 0x1.7a2680p-19f}), x);
    F half = exp_scaled(a, -1);  // e^a / 2
    F large = half - o_.f(0.25f) / half;
    return o_.select(o_.lt(a, o_.f(1.0f)), small, with_sign_of_number(large, x));
  }

  F cosh(F x) {
    F half = exp_scaled(abs(x), -1);
    return half + o_.f(0.25f) / half;
  }

  F tanh(F x) {
    F a = abs(x);
    F z = x * x;
    F small = o_.mul_add(z * x,
                         poly(z, {-0x1.555554p-2f, 0x1.11106cp-3f, -0x1.b9ef7cp-5f, 0x1.6394d8p-6f,
                                  -0x1.0c2144p-7f, 0x1.197b80p-9f}),
                         x);  // 2^-32.6
    F e = exp_scaled(o_.select(o_.lt(o_.f(20.0f), a), o_.f(20.0f), a) * o_.f(2.0f), 0);
    F large = o_.f(1.0f) - o_.f(2.0f) / (e + o_.f(1.0f));
    return keep_zero(x, o_.select(o_.lt(a, o_.f(0.625f)), small, with_sign_of_number(large, x)));
  }

  F asinh(F x) {
    F a = abs(x);
    F z = a * a;
    F small = o_.mul_add(z * x,
                         poly(z, {-0x1.555556p-3f, 0x1.33331cp-4f, -0x1.6db07ep-5f, 0x1.f0ee9ep-6f,
                                  -0x1.66bb88p-6f, 0x1.e6a19ep-7f, -0x1.aff234p-8f}),
                         x);  // 2^-38.6
    // log(a + sqrt(a^2 + 1)); a^2 overflows where the 1 no longer counts.
    M huge = o_.lt(o_.f(1.0e9f), a);
    F inside = o_.select(huge, a, a + o_.sqrt(o_.mul_add(a, a, o_.f(1.0f))));
    F large = log(inside) + o_.select(huge, o_.f(kLn2), o_.f(0.0f));
    return keep_zero(x, o_.select(o_.lt(a, o_.f(0.5f)), small, with_sign_of_number(large, x)));
  }

  F acosh(F x) {
    M huge = o_.lt(o_.f(1.0e9f), x);
    F t = x - o_.f(1.0f);
    F inside = log1p(t + o_.sqrt(t * (x + o_.f(1.0f))));
    F result = o_.select(huge, log(x) + o_.f(kLn2), inside);
    return o_.select(o_.lt(x, o_.f(1.0f)), o_.f(kNan), result);
  }

  F atanh(F x) {
    F a = abs(x);
    F z = a * a;
    F small = o_.mul_add(z * x,
                         poly(z, {0x1.555558p-2f, 0x1.999820p-3f, 0x1.24c352p-3f, 0x1.c11c8cp-4f,
                                  0x1.a5ce12p-4f, 0x1.8a5e32p-6f, 0x1.69663cp-3f}),
                         x);  // 2^-33.4
    F large = o_.f(0.5f) * log((o_.f(1.0f) + a) / (o_.f(1.0f) - a));
    return o_.select(o_.lt(a, o_.f(0.5f)), small, with_sign_of_number(large, x));
  }

 private:
  // log(1 + t) for t >= 0: what rounding 1 + t loses is put back as a factor.
  F log1p(F t) {
    F w = o_.f(1.0f) + t;
    F lost = t - (w - o_.f(1.0f));
    F result = log(w) + lost / w;
    return o_.select(o_.eq(w, o_.f(1.0f)), t, result);
  }
};

}  // namespace sokr::cpu::math

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_MATH_ELEMENTARY_HPP_
