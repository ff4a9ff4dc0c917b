// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What the elementary functions are made of: constants, reductions of the argument, polynomials,
// and the values at the ends. See elementary.hpp.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_MATH_ELEMENTARY_PARTS_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_MATH_ELEMENTARY_PARTS_HPP_

#include <cstdint>
#include <initializer_list>
#include <limits>

namespace sokr::cpu::math {

template <class Ops>
class ElementaryParts {
 public:
  using F = typename Ops::F;
  using D = typename Ops::D;
  using I = typename Ops::I;
  using M = typename Ops::M;

  explicit ElementaryParts(Ops& ops) : o_(ops) {}

  F abs(F x) { return o_.value(o_.bits(x) & o_.i(0x7fffffff)); }
  F neg(F x) { return o_.value(o_.bits(x) ^ o_.i(kSign)); }
  // The magnitude of `magnitude` (which must not be negative) with the sign of `sign`.
  F with_sign(F magnitude, F sign) {
    return o_.value(o_.bits(magnitude) | (o_.bits(sign) & o_.i(kSign)));
  }

 protected:
  static constexpr std::int32_t kSign = std::numeric_limits<std::int32_t>::min();
  static constexpr float kLn2 = 0x1.62e430p-1f;
  static constexpr float kLn2High = 0x1.62e000p-1f, kLn2Low = 0x1.0bfbe8p-15f;  // 12 + 24 bits
  static constexpr float kInvLn2 = 0x1.715476p0f, kInvLn2Rest = 0x1.4ae0c0p-26f;
  static constexpr float kInvLn2High = 0x1.714000p0f, kInvLn2Low = 0x1.47652cp-12f;
  static constexpr float kHalfPiHigh = 0x1.921fb6p0f, kHalfPiLow = -0x1.777a5cp-25f;
  static constexpr float kPiHigh = 0x1.921fb6p1f, kPiLow = -0x1.777a5cp-24f;
  static constexpr float kInfinity = std::numeric_limits<float>::infinity();
  static constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

  struct FloatPair {
    F first, second;
  };
  struct Rounded {
    I n;
    F whole;
  };
  struct Split {
    F e, f;
  };
  struct Reduced {
    I quadrant;
    F r;
  };
  struct ArcArgument {
    F r, z;
  };

  M is_nan(F x) { return o_.negate(o_.eq(x, x)); }
  M is_odd(I q) { return o_.eq(q & o_.i(1), o_.i(1)); }

  // An odd function keeps the sign of zero, which x + x^3 p(x^2) with p < 0 would not.
  F keep_zero(F x, F result) { return o_.select(o_.eq(x, o_.f(0.0f)), x, result); }

  // Keeps NaN.
  F clamp(F x, float low, float high) {
    x = o_.select(o_.lt(x, o_.f(low)), o_.f(low), x);
    return o_.select(o_.lt(o_.f(high), x), o_.f(high), x);
  }

  F poly(F x, std::initializer_list<float> c) {
    F sum = o_.f(*(c.end() - 1));
    for (auto p = c.end() - 1; p != c.begin();) sum = o_.mul_add(sum, x, o_.f(*--p));
    return sum;
  }
  D poly(D x, std::initializer_list<double> c) {
    D sum = o_.d(*(c.end() - 1));
    for (auto p = c.end() - 1; p != c.begin();) sum = o_.mul_add(sum, x, o_.d(*--p));
    return sum;
  }

  // To the nearest integer, for |x| < 2^22; garbage but no trap for others. Adding
  // 1.5 * 2^23 leaves the integer in the low mantissa bits.
  Rounded round(F x) {
    F shifted = x + o_.f(0x1.8p23f);
    return {o_.bits(shifted) - o_.i(0x4b400000), shifted - o_.f(0x1.8p23f)};
  }

  // x * 2^(whole + more), for what round() gave.
  F scale(F x, const Rounded& power, int more = 0) {
    if constexpr (Ops::kScales)
      return o_.scale(x, more == 0 ? power.whole : power.whole + o_.f(static_cast<float>(more)));
    else
      return scale(x, more == 0 ? power.n : power.n + o_.i(more));
  }
  // x * 2^n for |n| <= 252, in two steps so that neither power leaves the range.
  F scale(F x, I n) {
    I half = o_.ashr(n, 1);
    return x * power_of_two(half) * power_of_two(n - half);
  }
  F power_of_two(I n) { return o_.value(o_.shl(n + o_.i(127), 23)); }

  // e^x * 2^shift.
  F exp_scaled(F x, int shift) {
    x = clamp(x, -105.0f, 90.0f);
    const Rounded power = round(x * o_.f(0x1.715476p0f));
    F r = o_.mul_add(power.whole, o_.f(-kLn2High), x);
    r = o_.mul_add(power.whole, o_.f(-kLn2Low), r);
    F p = poly(r, {0x1.fffffcp-2f, 0x1.555490p-3f, 0x1.5558f4p-5f, 0x1.123a6cp-7f,
                   0x1.6a2372p-10f});  // (e^r - 1 - r) / r^2, 2^-28.3
    F y = o_.mul_add(r * r, p, r) + o_.f(1.0f);
    return scale(y, power, shift);
  }

  // x = 2^e * (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)), for positive finite x.
  Split split(F x) {
    M tiny = o_.lt(x, o_.f(0x1p-126f));
    F scaled = o_.select(tiny, x * o_.f(0x1p23f), x);
    I u = o_.bits(scaled) - o_.i(0x3f3504f3);
    I e = o_.ashr(u, 23);
    I m = o_.bits(scaled) - o_.shl(e, 23);
    F ef = o_.to_float(e) - o_.select(tiny, o_.f(23.0f), o_.f(0.0f));
    return {ef, o_.value(m) - o_.f(1.0f)};
  }

  // (log(1 + f) - f + f^2 / 2) / f^3, 2^-30.3
  F log_tail(F f) {
    return poly(f,
                {0x1.555548p-2f, -0x1.000006p-2f, 0x1.99a4b4p-3f, -0x1.555c52p-3f, 0x1.233774p-3f,
                 -0x1.fc2180p-4f, 0x1.e6ef22p-4f, -0x1.de3ed2p-4f, 0x1.145df6p-4f});
  }

  // 2^e (1 + f) to the power of y, but for specials, with the logarithm in two floats: f - f^2 / 2
  // exactly and the tail behind it.
  F pow_pair(F e, F f, F y) {
    F z = f * f;
    F z_low = o_.mul_add(f, f, neg(z));
    F half = z * o_.f(0.5f);
    F head = f - half;
    F rest = (f - head) - half;  // exact, as half is the smaller one
    rest = o_.mul_add(z_low, o_.f(-0.5f), rest);
    rest = o_.mul_add(log_tail(f) * f, z, rest);
    F high = head + rest;
    F low = (head - high) + rest;
    // By 1 / ln 2, and the exponent before it.
    F product = high * o_.f(kInvLn2);
    F product_low = o_.mul_add(high, o_.f(kInvLn2), neg(product));
    product_low = o_.mul_add(high, o_.f(kInvLn2Rest), product_low);
    product_low = o_.mul_add(low, o_.f(kInvLn2), product_low);
    F sum = e + product;
    F sum_low = ((e - sum) + product) + product_low;
    F t = y * sum;
    F t_low = o_.mul_add(y, sum_low, o_.mul_add(y, sum, neg(t)));
    F near = clamp(t, -152.0f, 129.0f);
    const Rounded power = round(near);
    // What lies beyond has no rest.
    F r = (near - power.whole) + o_.select(o_.eq(near, t), t_low, o_.f(0.0f));
    F q = poly(r, {0x1.62e430p-1f, 0x1.ebfbdcp-3f, 0x1.c6aee6p-5f, 0x1.3b2d54p-7f, 0x1.5f400ap-10f,
                   0x1.41f9f0p-13f});
    return scale(o_.mul_add(r, q, o_.f(1.0f)), power);
  }

  F pow_double(F x, F y) {
    auto [e, f] = split(x);
    D m = o_.widen(f);
    D s = m / (m + o_.d(2.0));
    D z = s * s;
    D p = poly(z, {0x1.ec709dc39db61p-1, 0x1.2776c5157d5b4p-1, 0x1.a61757876fc91p-2,
                   0x1.484f7058af939p-2, 0x1.0bbe060fb56ebp-2, 0x1.f102fd824a9a0p-3});
    D log2x = o_.mul_add(z * s, p, s * o_.d(0x1.71547652b82fep1));
    D t = o_.widen(y) * (log2x + o_.widen(e));
    F rough = clamp(o_.narrow(t), -152.0f, 129.0f);
    auto [n, whole] = round(rough);
    F r = clamp(o_.narrow(t - o_.widen(whole)), -1.0f, 1.0f);
    F q = poly(r, {0x1.62e430p-1f, 0x1.ebfbdcp-3f, 0x1.c6aee6p-5f, 0x1.3b2d54p-7f, 0x1.5f400ap-10f,
                   0x1.41f9f0p-13f});
    return scale(o_.mul_add(r, q, o_.f(1.0f)), n);
  }

  F log_specials(F x, F result) {
    result = o_.select(o_.eq(x, o_.f(kInfinity)), x, result);
    result = o_.select(o_.lt(x, o_.f(0.0f)), o_.f(kNan), result);
    result = o_.select(is_nan(x), x, result);
    return o_.select(o_.eq(x, o_.f(0.0f)), o_.f(-kInfinity), result);
  }

  F pow_specials(F x, F y, F result) {
    F zero = o_.f(0.0f), one = o_.f(1.0f), inf = o_.f(kInfinity);
    M falling = o_.lt(y, zero);
    F at_zero = o_.select(falling, inf, zero);
    F at_infinity = o_.select(falling, zero, inf);
    result = o_.select(o_.eq(x, zero), at_zero, result);
    result = o_.select(o_.eq(x, inf), at_infinity, result);
    F ay = abs(y);
    M infinite_y = o_.eq(ay, inf);
    M shrinking = o_.negate(o_.lt(x, one));
    F large_y = o_.select(o_.both(shrinking, falling), zero, inf);
    large_y = o_.select(o_.both(o_.negate(shrinking), o_.negate(falling)), zero, large_y);
    result = o_.select(infinite_y, large_y, result);
    result =
        o_.select(o_.any_of(o_.lt(x, zero), o_.any_of(is_nan(x), is_nan(y))), o_.f(kNan), result);
    return o_.select(o_.any_of(o_.eq(y, zero), o_.eq(x, one)), one, result);
  }

  // x - k * pi/2 with |r| <= pi/4 and k mod 4. Three float parts of pi/2 with fused
  // multiply-add are exact enough for |k| < 2^17: the first step has no rounding at all.
  // Larger arguments (all of them where nothing is fused) go through double.
  Reduced reduce(F x) {
    auto [n, k] = round(x * o_.f(0x1.45f306p-1f));
    F r = o_.mul_add(k, o_.f(-0x1.921fb6p0f), x);
    r = o_.mul_add(k, o_.f(0x1.777a5cp-25f), r);
    r = o_.mul_add(k, o_.f(0x1.ee59dap-50f), r);
    M large = o_.negate(o_.lt(abs(x), o_.f(Ops::kFused ? 200000.0f : 0.785f)));
    F quadrant = o_.to_float(n & o_.i(3));
    auto [far_r, far_quadrant] = o_.if_any(large, FloatPair{r, quadrant}, [&] {
      FloatPair far = reduce_double(x);
      return FloatPair{o_.select(large, far.first, r), o_.select(large, far.second, quadrant)};
    });
    return {round(far_quadrant).n, far_r};
  }

  // Four parts of pi/2 (22, 22, 22 and 53 bits): the products with |k| < 2^31 are exact.
  FloatPair reduce_double(F x) {
    D wide = o_.widen(x);
    D k = nearest(wide * o_.d(0x1.45f306dc9c883p-1));
    D r = o_.mul_add(k, o_.d(-0x1.921fb00000000p0), wide);
    r = o_.mul_add(k, o_.d(-0x1.5110b00000000p-22), r);
    r = o_.mul_add(k, o_.d(-0x1.1846980000000p-44), r);
    r = o_.mul_add(k, o_.d(-0x1.3198a2e037073p-69), r);
    D quadrant = k - o_.d(4.0) * nearest(k * o_.d(0.25));
    return {clamp(o_.narrow(r), -0.8f, 0.8f), o_.narrow(quadrant)};
  }
  D nearest(D x) {
    D shifted = x + o_.d(0x1.8p52);
    return shifted - o_.d(0x1.8p52);
  }

  // sin(r) in even quadrants, cos(r) in odd ones.
  F select_quadrant(I q, F r) {
    F z = r * r;
    F s = o_.mul_add(
        z * r, poly(z, {-0x1.555556p-3f, 0x1.111108p-7f, -0x1.a00f94p-13f, 0x1.6cd5e6p-19f}), r);
    F c = poly(z, {0x1.55554ap-5f, -0x1.6c0c82p-10f, 0x1.99ff46p-16f});  // 2^-33.3
    c = o_.mul_add(z * z, c, o_.mul_add(o_.f(-0.5f), z, o_.f(1.0f)));
    return o_.select(is_odd(q), c, s);
  }

  // asin(x) = pi/2 - 2 asin(sqrt((1 - x) / 2)) beyond 1/2.
  ArcArgument arc_argument(F a, M big) {
    F z = o_.select(big, o_.mul_add(o_.f(-0.5f), a, o_.f(0.5f)), a * a);
    return {o_.select(big, o_.sqrt(z), a), z};
  }
  // (asin(r) - r) / r^3 in z = r^2, 2^-31.7
  F arc_tail(F z) {
    return poly(z, {0x1.55554cp-3f, 0x1.333892p-4f, 0x1.6cabbap-5f, 0x1.04aad4p-5f, 0x1.d7aadap-7f,
                    0x1.33d60cp-5f});
  }
  F nan_outside_unit(F a, F result) { return o_.select(o_.le(a, o_.f(1.0f)), result, o_.f(kNan)); }
  F with_flip(F x, F sign) { return o_.value(o_.bits(x) ^ (o_.bits(sign) & o_.i(kSign))); }
  // As with_sign, for magnitudes that may be NaN.
  F with_sign_of_number(F magnitude, F sign) { return with_flip(magnitude, sign); }

  // On [0, 1], 2^-31.4.
  F atan_unit(F t) {
    F z = t * t;
    F p = poly(z,
               {-0x1.555552p-2f, 0x1.9997fcp-3f, -0x1.247502p-3f, 0x1.c5070ep-4f, -0x1.693854p-4f,
                0x1.14df56p-4f, -0x1.7033f6p-5f, 0x1.74e8d6p-6f, -0x1.e675b0p-8f, 0x1.2982c4p-10f});
    return o_.mul_add(z * t, p, t);
  }
  F from_half_pi(F r) { return o_.f(kHalfPiHigh) - (r - o_.f(kHalfPiLow)); }

  Ops& o_;
};

}  // namespace sokr::cpu::math

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_MATH_ELEMENTARY_PARTS_HPP_
