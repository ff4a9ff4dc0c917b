// SPDX-License-Identifier: MIT OR Apache-2.0
//
// GLSL.std.450: geometry, matrices, packing, and functions with two results.
#include <spirv/unified1/GLSL.std.450.h>

#include <algorithm>
#include <cmath>
#include <sokr/substrate/edge_semantics.hpp>

#include "glsl.hpp"
#include "numeric.hpp"
#include "worker.hpp"

namespace sokr::reference {

namespace edge = sokr::substrate::edge;
using spirv::Id;
using spirv::Instruction;

namespace {

// ---- Geometry: n = components of the operands -------------------------------------------------

template <class T>
double at(const Slot* value, std::uint32_t i) {
  return static_cast<double>(decode<T>(value[i]));
}
template <class T>
double product(const Slot* a, const Slot* b, std::uint32_t n) {
  double sum = 0;
  for (std::uint32_t i = 0; i < n; ++i) sum += at<T>(a, i) * at<T>(b, i);
  return sum;
}

// Without overflow or underflow for f64 too.
template <class T>
double norm(const Slot* a, std::uint32_t n) {
  double result = std::fabs(at<T>(a, 0));
  for (std::uint32_t i = 1; i < n; ++i) result = std::hypot(result, at<T>(a, i));
  return result;
}

template <class T>
void length(Lane& lane, const Step& s) {
  lane.slot(s.dst) = encode<T>(norm<T>(lane.slots(s.a), s.n));
}
template <class T>
void distance(Lane& lane, const Step& s) {
  const Slot* a = lane.slots(s.a);
  const Slot* b = lane.slots(s.b);
  double result = 0;
  for (std::uint32_t i = 0; i < s.n; ++i) result = std::hypot(result, at<T>(a, i) - at<T>(b, i));
  lane.slot(s.dst) = encode<T>(result);
}
template <class T>
void normalize(Lane& lane, const Step& s) {
  const Slot* a = lane.slots(s.a);
  Slot* to = lane.slots(s.dst);
  const double size = norm<T>(a, s.n);
  for (std::uint32_t i = 0; i < s.n; ++i) to[i] = encode<T>(at<T>(a, i) / size);
}
template <class T>
void cross(Lane& lane, const Step& s) {
  const Slot* a = lane.slots(s.a);
  const Slot* b = lane.slots(s.b);
  Slot* to = lane.slots(s.dst);
  for (std::uint32_t i = 0; i < 3; ++i) {
    const std::uint32_t j = (i + 1) % 3, k = (i + 2) % 3;
    to[i] = encode<T>(at<T>(a, j) * at<T>(b, k) - at<T>(a, k) * at<T>(b, j));
  }
}
// a = N, b = I, c = Nref.
template <class T>
void face_forward(Lane& lane, const Step& s) {
  const Slot* normal = lane.slots(s.a);
  Slot* to = lane.slots(s.dst);
  const bool keep = product<T>(lane.slots(s.b), lane.slots(s.c), s.n) < 0;
  for (std::uint32_t i = 0; i < s.n; ++i)
    to[i] = keep ? normal[i] : encode<T>(-decode<T>(normal[i]));
}
template <class T>
void reflect(Lane& lane, const Step& s) {
  const Slot* in = lane.slots(s.a);
  const Slot* normal = lane.slots(s.b);
  Slot* to = lane.slots(s.dst);
  const double twice = 2.0 * product<T>(normal, in, s.n);
  for (std::uint32_t i = 0; i < s.n; ++i)
    to[i] = encode<T>(at<T>(in, i) - twice * at<T>(normal, i));
}
// c = eta, a float of `extra` bits, which may be others than the vectors have.
double decode_eta(Slot eta, std::uint32_t bits) {
  return bits == 16   ? decode<Half>(eta)
         : bits == 32 ? static_cast<double>(decode<float>(eta))
                      : decode<double>(eta);
}
template <class T>
void refract(Lane& lane, const Step& s) {
  const Slot* in = lane.slots(s.a);
  const Slot* normal = lane.slots(s.b);
  Slot* to = lane.slots(s.dst);
  const double eta = decode_eta(lane.slot(s.c), s.extra);
  const double cosine = product<T>(normal, in, s.n);
  const double k = 1.0 - eta * eta * (1.0 - cosine * cosine);
  for (std::uint32_t i = 0; i < s.n; ++i)
    to[i] = encode<T>(
        k < 0 ? 0.0 : eta * at<T>(in, i) - (eta * cosine + std::sqrt(k)) * at<T>(normal, i));
}

template <class T>
struct Length {
  static constexpr Handler handler = straight<length<T>>;
};
template <class T>
struct Distance {
  static constexpr Handler handler = straight<distance<T>>;
};
template <class T>
struct Normalize {
  static constexpr Handler handler = straight<normalize<T>>;
};
template <class T>
struct Cross {
  static constexpr Handler handler = straight<cross<T>>;
};
template <class T>
struct Facing {
  static constexpr Handler handler = straight<face_forward<T>>;
};
template <class T>
struct Reflect {
  static constexpr Handler handler = straight<reflect<T>>;
};
template <class T>
struct Refract {
  static constexpr Handler handler = straight<refract<T>>;
};

template <template <class> class Make, std::size_t Count>
void lower_geometry(Lowerer& l, const Instruction& i) {
  const Id operand = l.module().type_of(l.arg(i, 2));
  const Handler handler = for_float<Make>(l.scalar(operand).width, l.rounds_half_to_zero());
  const std::uint32_t n = l.components(operand);
  if constexpr (Count == 1) emit_or_deny(l, i, handler, n, {l.operand(i, 2)});
  if constexpr (Count == 2) emit_or_deny(l, i, handler, n, {l.operand(i, 2), l.operand(i, 3)});
  if constexpr (Count == 3)
    emit_or_deny(l, i, handler, n, {l.operand(i, 2), l.operand(i, 3), l.operand(i, 4)});
}

// ---- Square matrices of n columns: Gauss with pivoting, in double
void lower_refract(Lowerer& l, const Instruction& i) {
  const std::size_t before = l.program().steps.size();
  lower_geometry<Refract, 3>(l, i);
  if (l.program().steps.size() != before)
    l.program().steps.back().extra = l.scalar(l.module().type_of(l.arg(i, 4))).width;
}

// --------------------------------

constexpr std::uint32_t kMaxSide = 4;

// Turns `m` (column major) into its determinant and, if it is not 0, `inverse` from the
// identity into the inverse.
double eliminate(double (&m)[kMaxSide][kMaxSide], double (&inverse)[kMaxSide][kMaxSide],
                 std::uint32_t n) {
  double determinant = 1;
  for (std::uint32_t c = 0; c < n; ++c) {
    std::uint32_t pivot = c;
    for (std::uint32_t r = c + 1; r < n; ++r)
      if (std::fabs(m[c][r]) > std::fabs(m[c][pivot])) pivot = r;
    if (m[c][pivot] == 0) return 0;
    if (pivot != c) {
      determinant = -determinant;
      for (std::uint32_t k = 0; k < n; ++k) {
        std::swap(m[k][c], m[k][pivot]);
        std::swap(inverse[k][c], inverse[k][pivot]);
      }
    }
    const double scale = m[c][c];
    determinant *= scale;
    for (std::uint32_t k = 0; k < n; ++k) {
      m[k][c] /= scale;
      inverse[k][c] /= scale;
    }
    for (std::uint32_t r = 0; r < n; ++r) {
      const double factor = m[c][r];
      if (r == c || factor == 0) continue;
      for (std::uint32_t k = 0; k < n; ++k) {
        m[k][r] -= factor * m[k][c];
        inverse[k][r] -= factor * inverse[k][c];
      }
    }
  }
  return determinant;
}

template <class T>
double eliminate_slots(const Slot* a, std::uint32_t n, double (&inverse)[kMaxSide][kMaxSide]) {
  double m[kMaxSide][kMaxSide] = {};
  for (std::uint32_t c = 0; c < n; ++c)
    for (std::uint32_t r = 0; r < n; ++r) {
      m[c][r] = at<T>(a, c * n + r);
      inverse[c][r] = c == r ? 1 : 0;
    }
  return eliminate(m, inverse, n);
}

template <class T>
void determinant(Lane& lane, const Step& s) {
  double inverse[kMaxSide][kMaxSide];
  lane.slot(s.dst) = encode<T>(eliminate_slots<T>(lane.slots(s.a), s.n, inverse));
}
// A singular matrix gives zeros.
template <class T>
void invert(Lane& lane, const Step& s) {
  double inverse[kMaxSide][kMaxSide];
  const bool regular = eliminate_slots<T>(lane.slots(s.a), s.n, inverse) != 0;
  Slot* to = lane.slots(s.dst);
  for (std::uint32_t c = 0; c < s.n; ++c)
    for (std::uint32_t r = 0; r < s.n; ++r)
      to[c * s.n + r] = encode<T>(regular ? inverse[c][r] : 0.0);
}
template <class T>
struct Determinant {
  static constexpr Handler handler = straight<determinant<T>>;
};
template <class T>
struct Invert {
  static constexpr Handler handler = straight<invert<T>>;
};

template <template <class> class Make>
void lower_matrix(Lowerer& l, const Instruction& i) {
  const spirv::Type& matrix = l.type_of(l.arg(i, 2));
  emit_or_deny(l, i, for_float<Make>(l.scalar(matrix.id).width, l.rounds_half_to_zero()),
               matrix.count, {l.operand(i, 2)});
}

// ---- Packing
// ---------------------------------------------------------------------------------------

// n components of `bits` bits each, scaled by `scale` as floats are, into one u32. NaN is `low`, as
// FClamp has it.
Slot pack_normalized(const Slot* from, std::uint32_t n, std::uint32_t bits, double low,
                     double scale) {
  Slot packed = 0;
  const Slot mask = (Slot{1} << bits) - 1;
  for (std::uint32_t i = 0; i < n; ++i) {
    const double value = static_cast<double>(decode<float>(from[i]));
    const double clamped = edge::float_min(edge::float_max(value, low), 1.0);
    const auto scaled = static_cast<float>(clamped * scale);
    const auto rounded = static_cast<std::int64_t>(round_even(static_cast<double>(scaled)));
    packed |= (static_cast<Slot>(rounded) & mask) << (i * bits);
  }
  return packed;
}
void pack_snorm4(Lane& l, const Step& s) {
  l.slot(s.dst) = pack_normalized(l.slots(s.a), 4, 8, -1, 127);
}
void pack_unorm4(Lane& l, const Step& s) {
  l.slot(s.dst) = pack_normalized(l.slots(s.a), 4, 8, 0, 255);
}
void pack_snorm2(Lane& l, const Step& s) {
  l.slot(s.dst) = pack_normalized(l.slots(s.a), 2, 16, -1, 32767);
}
void pack_unorm2(Lane& l, const Step& s) {
  l.slot(s.dst) = pack_normalized(l.slots(s.a), 2, 16, 0, 65535);
}
void pack_half(Lane& l, const Step& s) {
  const Slot* from = l.slots(s.a);
  const bool zero = (l.worker->program.entry->float_controls.rounding_rtz & 1u) != 0;
  l.slot(s.dst) = half_from_double(decode<float>(from[0]), zero) |
                  (Slot{half_from_double(decode<float>(from[1]), zero)} << 16);
}
void pack_double(Lane& l, const Step& s) {
  const Slot* from = l.slots(s.a);
  l.slot(s.dst) = from[0] | (from[1] << 32);
}

void unpack_normalized(Lane& l, const Step& s, std::uint32_t n, bool is_signed) {
  const Slot packed = l.slot(s.a);
  Slot* to = l.slots(s.dst);
  const std::uint32_t bits = 32 / n;
  const double scale = static_cast<double>((Slot{1} << (is_signed ? bits - 1 : bits)) - 1);
  for (std::uint32_t i = 0; i < n; ++i) {
    const Slot raw = (packed >> (i * bits)) & ((Slot{1} << bits) - 1);
    const auto extended = static_cast<std::int64_t>(raw << (64 - bits)) >> (64 - bits);
    const double value = is_signed ? static_cast<double>(extended) : static_cast<double>(raw);
    to[i] = encode<float>(static_cast<float>(std::clamp(value / scale, -1.0, 1.0)));
  }
}
void unpack_snorm4(Lane& l, const Step& s) {
  unpack_normalized(l, s, 4, true);
}
void unpack_unorm4(Lane& l, const Step& s) {
  unpack_normalized(l, s, 4, false);
}
void unpack_snorm2(Lane& l, const Step& s) {
  unpack_normalized(l, s, 2, true);
}
void unpack_unorm2(Lane& l, const Step& s) {
  unpack_normalized(l, s, 2, false);
}
void unpack_half(Lane& l, const Step& s) {
  const Slot packed = l.slot(s.a);
  Slot* to = l.slots(s.dst);
  to[0] = encode<float>(half_to_double(static_cast<std::uint16_t>(packed)));
  to[1] = encode<float>(half_to_double(static_cast<std::uint16_t>(packed >> 16)));
}
void unpack_double(Lane& l, const Step& s) {
  const Slot packed = l.slot(s.a);
  Slot* to = l.slots(s.dst);
  to[0] = packed & 0xFFFFFFFFu;
  to[1] = packed >> 32;
}

template <void (*Function)(Lane&, const Step&)>
void lower_packing(Lowerer& l, const Instruction& i) {
  l.emit(straight<Function>, i, 1, {l.operand(i, 2)});
}

// ---- Two results: n components at dst, n more at c
// ---------------------------------------------------

template <class T>
void split(Lane& lane, const Step& s) {
  const Slot* a = lane.slots(s.a);
  for (std::uint32_t i = 0; i < s.n; ++i) {
    const double value = at<T>(a, i);
    double whole = 0;
    const double rest = std::modf(value, &whole);
    lane.slots(s.dst)[i] = encode<T>(rest);
    lane.slots(s.c)[i] = encode<T>(whole);
  }
}
// `extra` = bits of the exponent's type. Zero, infinity and NaN have exponent 0.
template <class T>
void split_exponent(Lane& lane, const Step& s) {
  const Slot* a = lane.slots(s.a);
  const Slot mask = s.extra >= 64 ? ~Slot{0} : (Slot{1} << s.extra) - 1;
  for (std::uint32_t i = 0; i < s.n; ++i) {
    const double value = at<T>(a, i);
    int exponent = 0;
    const double significand = std::isfinite(value) ? std::frexp(value, &exponent) : value;
    lane.slots(s.dst)[i] = encode<T>(significand);
    lane.slots(s.c)[i] = static_cast<Slot>(static_cast<std::int64_t>(exponent)) & mask;
  }
}
template <class T>
struct Split {
  static constexpr Handler handler = straight<split<T>>;
};
template <class T>
struct Exponent {
  static constexpr Handler handler = straight<split_exponent<T>>;
};

template <template <class> class Make>
void lower_two_results(Lowerer& l, const Instruction& i, Ref second, std::uint32_t second_bits) {
  const Id operand = l.module().type_of(l.arg(i, 2));
  const Handler handler = for_float<Make>(l.scalar(operand).width, l.rounds_half_to_zero());
  if (!emit_or_deny(l, i, handler, l.components(operand), {l.operand(i, 2), 0, second})) return;
  l.program().steps.back().extra = second_bits;
}
// The result is a struct of both.
template <template <class> class Make>
void lower_struct(Lowerer& l, const Instruction& i) {
  const spirv::Type& result = l.type(i.type);
  if (result.members.size() != 2)
    return l.deny(SOKR_INVALID_IR, fmt::format("OpExtInst at word {}: the result is no struct of "
                                               "two members",
                                               i.word));
  lower_two_results<Make>(l, i, l.ref(i.id) + l.member_slot(result, 1),
                          l.scalar(result.members[1].type).width);
}
// The second result is stored through a pointer.
template <template <class> class Make>
void lower_pointer(Lowerer& l, const Instruction& i) {
  const spirv::Type& pointer = l.type_of(l.arg(i, 3));
  const Ref second = l.temporary(l.slots(pointer.element));
  lower_two_results<Make>(l, i, second, l.scalar(pointer.element).width);
  l.emit_store(i, l.operand(i, 3), second, pointer);
}

// `extra` = bits of the exponent.
template <class T>
void load_exponent(Lane& lane, const Step& s) {
  Slot* to = lane.slots(s.dst);
  const Slot* a = lane.slots(s.a);
  const Slot* b = lane.slots(s.b);
  const unsigned up = 64 - s.extra;
  for (std::uint32_t i = 0; i < s.n; ++i) {
    const std::int64_t exponent = static_cast<std::int64_t>(b[i] << up) >> up;
    const int near = static_cast<int>(std::clamp<std::int64_t>(exponent, -5000, 5000));
    to[i] = encode<T>(std::ldexp(at<T>(a, i), near));
  }
}
template <class T>
struct Ldexp {
  static constexpr Handler handler = straight<load_exponent<T>>;
};
void lower_ldexp(Lowerer& l, const Instruction& i) {
  if (emit_or_deny(l, i, for_float<Ldexp>(l.scalar(i.type).width, l.rounds_half_to_zero()),
                   l.components(i.type), {l.operand(i, 2), l.operand(i, 3)}))
    l.program().steps.back().extra = l.scalar(l.module().type_of(l.arg(i, 3))).width;
}

constexpr GlslRow kRows[] = {
    {GLSLstd450Determinant, lower_matrix<Determinant>},
    {GLSLstd450MatrixInverse, lower_matrix<Invert>},
    {GLSLstd450Modf, lower_pointer<Split>},
    {GLSLstd450ModfStruct, lower_struct<Split>},
    {GLSLstd450Frexp, lower_pointer<Exponent>},
    {GLSLstd450FrexpStruct, lower_struct<Exponent>},
    {GLSLstd450Ldexp, lower_ldexp},
    {GLSLstd450PackSnorm4x8, lower_packing<pack_snorm4>},
    {GLSLstd450PackUnorm4x8, lower_packing<pack_unorm4>},
    {GLSLstd450PackSnorm2x16, lower_packing<pack_snorm2>},
    {GLSLstd450PackUnorm2x16, lower_packing<pack_unorm2>},
    {GLSLstd450PackHalf2x16, lower_packing<pack_half>},
    {GLSLstd450PackDouble2x32, lower_packing<pack_double>},
    {GLSLstd450UnpackSnorm2x16, lower_packing<unpack_snorm2>},
    {GLSLstd450UnpackUnorm2x16, lower_packing<unpack_unorm2>},
    {GLSLstd450UnpackHalf2x16, lower_packing<unpack_half>},
    {GLSLstd450UnpackSnorm4x8, lower_packing<unpack_snorm4>},
    {GLSLstd450UnpackUnorm4x8, lower_packing<unpack_unorm4>},
    {GLSLstd450UnpackDouble2x32, lower_packing<unpack_double>},
    {GLSLstd450Length, lower_geometry<Length, 1>},
    {GLSLstd450Distance, lower_geometry<Distance, 2>},
    {GLSLstd450Cross, lower_geometry<Cross, 2>},
    {GLSLstd450Normalize, lower_geometry<Normalize, 1>},
    {GLSLstd450FaceForward, lower_geometry<Facing, 3>},
    {GLSLstd450Reflect, lower_geometry<Reflect, 2>},
    {GLSLstd450Refract, lower_refract},
};

}  // namespace

std::span<const GlslRow> glsl_composite_rows() {
  return kRows;
}

}  // namespace sokr::reference
