// SPDX-License-Identifier: MIT OR Apache-2.0
//
// GLSL.std.450: functions of scalars, component by component. Float functions of f16 and
// f32 are computed in double and rounded once.
#include "glsl.hpp"

#include <spirv/unified1/GLSL.std.450.h>

#include <cmath>
#include <sokr/substrate/edge_semantics.hpp>

#include "numeric.hpp"

namespace sokr::reference {

namespace edge = sokr::substrate::edge;

double round_even(double a) {
  if (!(std::fabs(a) < 0x1p52)) return a;
  const double down = std::floor(a);
  const double rest = a - down;
  const bool up = rest > 0.5 || (rest == 0.5 && std::fmod(down, 2.0) != 0);
  return std::copysign(up ? down + 1 : down, a);
}

namespace {

// ---- In double, rounded once ----------------------------------------------------------------

template <double (*F)(double)>
struct Wide1 {
  double operator()(double a) const { return F(a); }
};
template <double (*F)(double, double)>
struct Wide2 {
  double operator()(double a, double b) const { return F(a, b); }
};
template <double (*F)(double, double, double)>
struct Wide3 {
  double operator()(double a, double b, double c) const { return F(a, b, c); }
};

template <double (*F)(double)>
constexpr Lowering kWide1 = kFloat1<Wide1<F>, 2>;
template <double (*F)(double, double)>
constexpr Lowering kWide2 = kFloat2<Wide2<F>, 2>;
template <double (*F)(double, double, double)>
constexpr Lowering kWide3 = kFloat3<Wide3<F>, 2>;

constexpr double kPi = 3.14159265358979323846;

double round_away(double a) {
  return std::round(a);
}
double truncate(double a) {
  return std::trunc(a);
}
double sign(double a) {
  return a > 0 ? 1.0 : a < 0 ? -1.0 : a == 0 ? a : 0.0;
}
double floor_of(double a) {
  return std::floor(a);
}
double ceiling(double a) {
  return std::ceil(a);
}
double radians(double a) {
  return a * (kPi / 180.0);
}
double degrees(double a) {
  return a * (180.0 / kPi);
}
double sine(double a) {
  return std::sin(a);
}
double cosine(double a) {
  return std::cos(a);
}
double tangent(double a) {
  return std::tan(a);
}
double arc_sine(double a) {
  return std::asin(a);
}
double arc_cosine(double a) {
  return std::acos(a);
}
double arc_tangent(double a) {
  return std::atan(a);
}
double sine_h(double a) {
  return std::sinh(a);
}
double cosine_h(double a) {
  return std::cosh(a);
}
double tangent_h(double a) {
  return std::tanh(a);
}
double arc_sine_h(double a) {
  return std::asinh(a);
}
double arc_cosine_h(double a) {
  return std::acosh(a);
}
double arc_tangent_h(double a) {
  return std::atanh(a);
}
double arc_tangent2(double y, double x) {
  return std::atan2(y, x);
}
double power(double a, double b) {
  return std::pow(a, b);
}
double exponential(double a) {
  return std::exp(a);
}
double logarithm(double a) {
  return std::log(a);
}
double exponential2(double a) {
  return std::exp2(a);
}
double logarithm2(double a) {
  return std::log2(a);
}
double square_root(double a) {
  return std::sqrt(a);
}
double inverse_root(double a) {
  return 1.0 / std::sqrt(a);
}
double minimum(double a, double b) {
  return edge::float_min(a, b);
}
double maximum(double a, double b) {
  return edge::float_max(a, b);
}
double clamp(double a, double low, double high) {
  return edge::float_clamp(a, low, high);
}
double mix(double a, double b, double t) {
  return a * (1.0 - t) + b * t;
}
double step_at(double edge_value, double a) {
  return a < edge_value ? 0.0 : 1.0;
}
double smooth_step(double low, double high, double a) {
  const double t = edge::float_clamp((a - low) / (high - low), 0.0, 1.0);
  return t * t * (3.0 - 2.0 * t);
}

// The rounding of fract must not reach 1.
template <class T>
void fraction_of(Lane& lane, const Step& s) {
  constexpr double kBelowOne = std::is_same_v<T, double>  ? 0x1.fffffffffffffp-1
                               : std::is_same_v<T, float> ? 0x1.fffffep-1
                                                          : 0x1.ffcp-1;
  Slot* to = lane.slots(s.dst);
  const Slot* a = lane.slots(s.a);
  for (std::uint32_t i = 0; i < s.n; ++i) {
    const auto value = static_cast<double>(decode<T>(a[i]));
    const double result = value - std::floor(value);
    to[i] = encode<T>(result > kBelowOne ? kBelowOne : result);
  }
}
template <class T>
struct FractionOf {
  static constexpr Handler handler = straight<fraction_of<T>>;
};

struct Absolute {
  template <class V>
  V operator()(V a) const {
    return std::fabs(a);
  }
};

// ---- Fused multiply-add: one rounding in the declared width -------------------------------------

template <class T>
void fused(Lane& lane, const Step& s) {
  Slot* to = lane.slots(s.dst);
  const Slot* a = lane.slots(s.a);
  const Slot* b = lane.slots(s.b);
  const Slot* c = lane.slots(s.c);
  for (std::uint32_t i = 0; i < s.n; ++i) {
    const auto x = decode<T>(a[i]), y = decode<T>(b[i]), z = decode<T>(c[i]);
    if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, HalfTowardZero>) {
      to[i] = encode<T>(fused_half(x, y, z));
    } else {
      to[i] = encode<T>(std::fma(x, y, z));
    }
  }
}
template <class T>
struct Fused {
  static constexpr Handler handler = straight<fused<T>>;
};

// ---- Integers
// -------------------------------------------------------------------------------------

struct SAbs {
  template <class T>
  T operator()(T a) const {
    return edge::as_signed(a) < 0 ? static_cast<T>(T{0} - a) : a;
  }
};
struct SSign {
  template <class T>
  T operator()(T a) const {
    return edge::as_signed(a) > 0 ? T{1} : edge::as_signed(a) < 0 ? static_cast<T>(~T{0}) : T{0};
  }
};
struct UMin {
  template <class T>
  T operator()(T a, T b) const {
    return b < a ? b : a;
  }
};
struct UMax {
  template <class T>
  T operator()(T a, T b) const {
    return a < b ? b : a;
  }
};
struct SMin {
  template <class T>
  T operator()(T a, T b) const {
    return edge::as_signed(b) < edge::as_signed(a) ? b : a;
  }
};
struct SMax {
  template <class T>
  T operator()(T a, T b) const {
    return edge::as_signed(a) < edge::as_signed(b) ? b : a;
  }
};
struct UClamp {
  template <class T>
  T operator()(T a, T low, T high) const {
    return UMin{}(UMax{}(a, low), high);
  }
};
struct SClamp {
  template <class T>
  T operator()(T a, T low, T high) const {
    return SMin{}(SMax{}(a, low), high);
  }
};
struct FindLsb {
  template <class T>
  T operator()(T a) const {
    return edge::find_lsb(a);
  }
};
struct FindUMsb {
  template <class T>
  T operator()(T a) const {
    return edge::find_umsb(a);
  }
};
struct FindSMsb {
  template <class T>
  T operator()(T a) const {
    return edge::find_smsb(a);
  }
};

constexpr GlslRow kRows[] = {
    {GLSLstd450Round, kWide1<round_away>},
    {GLSLstd450RoundEven, kWide1<round_even>},
    {GLSLstd450Trunc, kWide1<truncate>},
    {GLSLstd450FAbs, kFloat1<Absolute, 2>},
    {GLSLstd450SAbs, kInteger1<SAbs, 2>},
    {GLSLstd450FSign, kWide1<sign>},
    {GLSLstd450SSign, kInteger1<SSign, 2>},
    {GLSLstd450Floor, kWide1<floor_of>},
    {GLSLstd450Ceil, kWide1<ceiling>},
    {GLSLstd450Fract, lower_float<FractionOf, 1, 2>},
    {GLSLstd450Radians, kWide1<radians>},
    {GLSLstd450Degrees, kWide1<degrees>},
    {GLSLstd450Sin, kWide1<sine>},
    {GLSLstd450Cos, kWide1<cosine>},
    {GLSLstd450Tan, kWide1<tangent>},
    {GLSLstd450Asin, kWide1<arc_sine>},
    {GLSLstd450Acos, kWide1<arc_cosine>},
    {GLSLstd450Atan, kWide1<arc_tangent>},
    {GLSLstd450Sinh, kWide1<sine_h>},
    {GLSLstd450Cosh, kWide1<cosine_h>},
    {GLSLstd450Tanh, kWide1<tangent_h>},
    {GLSLstd450Asinh, kWide1<arc_sine_h>},
    {GLSLstd450Acosh, kWide1<arc_cosine_h>},
    {GLSLstd450Atanh, kWide1<arc_tangent_h>},
    {GLSLstd450Atan2, kWide2<arc_tangent2>},
    {GLSLstd450Pow, kWide2<power>},
    {GLSLstd450Exp, kWide1<exponential>},
    {GLSLstd450Log, kWide1<logarithm>},
    {GLSLstd450Exp2, kWide1<exponential2>},
    {GLSLstd450Log2, kWide1<logarithm2>},
    {GLSLstd450Sqrt, kWide1<square_root>},
    {GLSLstd450InverseSqrt, kWide1<inverse_root>},
    {GLSLstd450FMin, kWide2<minimum>},
    {GLSLstd450UMin, kInteger2<UMin, 2>},
    {GLSLstd450SMin, kInteger2<SMin, 2>},
    {GLSLstd450FMax, kWide2<maximum>},
    {GLSLstd450UMax, kInteger2<UMax, 2>},
    {GLSLstd450SMax, kInteger2<SMax, 2>},
    {GLSLstd450FClamp, kWide3<clamp>},
    {GLSLstd450UClamp, kInteger3<UClamp, 2>},
    {GLSLstd450SClamp, kInteger3<SClamp, 2>},
    {GLSLstd450FMix, kWide3<mix>},
    {GLSLstd450Step, kWide2<step_at>},
    {GLSLstd450SmoothStep, kWide3<smooth_step>},
    {GLSLstd450Fma, lower_float<Fused, 3, 2>},
    {GLSLstd450FindILsb, kInteger1<FindLsb, 2>},
    {GLSLstd450FindSMsb, kInteger1<FindSMsb, 2>},
    {GLSLstd450FindUMsb, kInteger1<FindUMsb, 2>},
    {GLSLstd450NMin, kWide2<minimum>},
    {GLSLstd450NMax, kWide2<maximum>},
    {GLSLstd450NClamp, kWide3<clamp>},
};

Lowering find_in(std::span<const GlslRow> rows, std::uint32_t function) {
  for (const GlslRow& row : rows)
    if (row.function == function) return row.lower;
  return nullptr;
}

}  // namespace

Lowering find_glsl(std::uint32_t function) {
  const Lowering scalar = find_in(kRows, function);
  return scalar ? scalar : find_in(glsl_composite_rows(), function);
}

}  // namespace sokr::reference
