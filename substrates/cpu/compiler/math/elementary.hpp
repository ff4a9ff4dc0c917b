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

#include <cstdint>
#include <initializer_list>
#include <limits>

namespace sokr::cpu::math {

template <class Ops>
class Elementary {
 public:
  using F = typename Ops::F;
  using D = typename Ops::D;
  using I = typename Ops::I;
  using M = typename Ops::M;

  explicit Elementary(Ops& ops) : o_(ops) {}

  F abs(F x) { return o_.value(o_.bits(x) & o_.i(0x7fffffff)); }
  F neg(F x) { return o_.value(o_.bits(x) ^ o_.i(kSign)); }
  // The magnitude of `magnitude` (which must not be negative) with the sign of `sign`.
  F with_sign(F magnitude, F sign) {
    return o_.value(o_.bits(magnitude) | (o_.bits(sign) & o_.i(kSign)));
  }

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

  // log(1 + t) for t >= 0: what rounding 1 + t loses is put back as a factor.
  F log1p(F t) {
    F w = o_.f(1.0f) + t;
    F lost = t - (w - o_.f(1.0f));
    F result = log(w) + lost / w;
    return o_.select(o_.eq(w, o_.f(1.0f)), t, result);
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

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_MATH_ELEMENTARY_HPP_
