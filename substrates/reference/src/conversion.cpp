// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Conversions between types and widths, and bit casts.
#include <cfenv>
#include <cmath>
#include <sokr/substrate/edge_semantics.hpp>

#include "numeric.hpp"

namespace sokr::reference {

namespace edge = sokr::substrate::edge;
using spirv::Instruction;
using spirv::TypeKind;

namespace {

// ---- Integers: n components of `extra` bits become `c` bits ------------------------------

void truncate_or_extend(Lane& lane, const Step& step) {
  Slot* to = lane.slots(step.dst);
  const Slot* a = lane.slots(step.a);
  const Slot mask = edge::low_bits<Slot>(step.c);
  for (std::uint32_t i = 0; i < step.n; ++i) to[i] = a[i] & mask;
}

void sign_extend(Lane& lane, const Step& step) {
  Slot* to = lane.slots(step.dst);
  const Slot* a = lane.slots(step.a);
  const Slot mask = edge::low_bits<Slot>(step.c);
  const unsigned up = 64 - step.extra;
  for (std::uint32_t i = 0; i < step.n; ++i)
    to[i] = edge::shift_right_arithmetic(edge::shift_left(a[i], up), up) & mask;
}

void lower_integer_width(Lowerer& l, const Instruction& i, Handler handler) {
  Step& step = l.emit(handler, i, l.components(i.type), {l.operand(i, 0)});
  step.c = l.scalar(i.type).width;
  step.extra = l.scalar(l.module().type_of(l.arg(i, 0))).width;
}
void lower_unsigned_width(Lowerer& l, const Instruction& i) {
  lower_integer_width(l, i, straight<truncate_or_extend>);
}
void lower_signed_width(Lowerer& l, const Instruction& i) {
  lower_integer_width(l, i, straight<sign_extend>);
}

// ---- Float to integer ---------------------------------------------------------------------

template <class F, class T>
void to_unsigned(Lane& lane, const Step& step) {
  Slot* to = lane.slots(step.dst);
  const Slot* a = lane.slots(step.a);
  for (std::uint32_t i = 0; i < step.n; ++i)
    to[i] = edge::float_to_unsigned<T>(static_cast<double>(decode<F>(a[i])));
}
template <class F, class T>
void to_signed(Lane& lane, const Step& step) {
  Slot* to = lane.slots(step.dst);
  const Slot* a = lane.slots(step.a);
  for (std::uint32_t i = 0; i < step.n; ++i)
    to[i] = edge::float_to_signed<T>(static_cast<double>(decode<F>(a[i])));
}
template <class F>
struct From {
  template <class T>
  struct Unsigned {
    static constexpr Handler handler = straight<to_unsigned<F, T>>;
  };
  template <class T>
  struct Signed {
    static constexpr Handler handler = straight<to_signed<F, T>>;
  };
};

void lower_to_unsigned(Lowerer& l, const Instruction& i) {
  const std::uint32_t from = l.scalar(l.module().type_of(l.arg(i, 0))).width;
  const std::uint32_t to = l.scalar(i.type).width;
  const Handler handler = from == 16   ? for_integer<From<Half>::Unsigned>(to)
                          : from == 32 ? for_integer<From<float>::Unsigned>(to)
                                       : for_integer<From<double>::Unsigned>(to);
  emit_or_deny(l, i, handler, l.components(i.type), {l.operand(i, 0)});
}
void lower_to_signed(Lowerer& l, const Instruction& i) {
  const std::uint32_t from = l.scalar(l.module().type_of(l.arg(i, 0))).width;
  const std::uint32_t to = l.scalar(i.type).width;
  const Handler handler = from == 16   ? for_integer<From<Half>::Signed>(to)
                          : from == 32 ? for_integer<From<float>::Signed>(to)
                                       : for_integer<From<double>::Signed>(to);
  emit_or_deny(l, i, handler, l.components(i.type), {l.operand(i, 0)});
}

// ---- Integer to float: rounded once -------------------------------------------------------------

// An integer of more than 53 bits that becomes an f16 overflows or is a multiple of a power
// of two far above its rounding error, so a double in between rounds like none.
template <class F>
void from_unsigned(Lane& lane, const Step& step) {
  Slot* to = lane.slots(step.dst);
  const Slot* a = lane.slots(step.a);
  for (std::uint32_t i = 0; i < step.n; ++i) to[i] = encode<F>(static_cast<ValueOf<F>>(a[i]));
}
template <class F>
struct FromUnsigned {
  static constexpr Handler handler = straight<from_unsigned<F>>;
};

template <class F>
void from_signed(Lane& lane, const Step& step) {
  Slot* to = lane.slots(step.dst);
  const Slot* a = lane.slots(step.a);
  const unsigned up = 64 - step.extra;
  for (std::uint32_t i = 0; i < step.n; ++i)
    to[i] = encode<F>(static_cast<ValueOf<F>>(static_cast<std::int64_t>(a[i] << up) >> up));
}
template <class F>
struct FromSigned {
  static constexpr Handler handler = straight<from_signed<F>>;
};

// 0 = nearest even, 1 = toward zero; other modes are refused.
bool toward_zero(Lowerer& l, const Instruction& i) {
  const std::uint32_t width = l.scalar(i.type).width;
  const auto& controls = l.entry().float_controls;
  const std::uint8_t bit = width == 16 ? 1 : width == 32 ? 2 : 4;
  const std::uint32_t mode = l.module().decorations(i.id).fp_rounding_mode;
  if (mode == UINT32_MAX) return (controls.rounding_rtz & bit) != 0;
  if (mode > 1)
    l.deny(SOKR_CAPABILITY_DENIED,
           fmt::format("the reference interpreter rounds to nearest even or toward zero; {} at "
                       "word {} asks for FPRoundingMode {}",
                       spirv::op_name(i.op), i.word, mode));
  return mode == 1;
}

// One step under the rounding mode of its own.
template <void (*Function)(Lane&, const Step&), int Mode>
void rounded(Lane& lane, const Step& step) {
  const int before = std::fegetround();
  std::fesetround(Mode);
  Function(lane, step);
  std::fesetround(before);
}
template <void (*Function)(Lane&, const Step&)>
Handler rounding(Lowerer& l, const Instruction& i) {
  const bool zero = toward_zero(l, i);
  if (zero == l.program().round_toward_zero) return straight<Function>;
  return zero ? straight<rounded<Function, FE_TOWARDZERO>>
              : straight<rounded<Function, FE_TONEAREST>>;
}

void lower_from_unsigned(Lowerer& l, const Instruction& i) {
  const std::uint32_t width = l.scalar(i.type).width;
  const Handler handler = width == 16   ? for_float<FromUnsigned>(16, toward_zero(l, i))
                          : width == 32 ? rounding<from_unsigned<float>>(l, i)
                                        : rounding<from_unsigned<double>>(l, i);
  emit_or_deny(l, i, handler, l.components(i.type), {l.operand(i, 0)});
}
void lower_from_signed(Lowerer& l, const Instruction& i) {
  const std::uint32_t width = l.scalar(i.type).width;
  const Handler handler = width == 16   ? for_float<FromSigned>(16, toward_zero(l, i))
                          : width == 32 ? rounding<from_signed<float>>(l, i)
                                        : rounding<from_signed<double>>(l, i);
  if (emit_or_deny(l, i, handler, l.components(i.type), {l.operand(i, 0)}))
    l.program().steps.back().extra = l.scalar(l.module().type_of(l.arg(i, 0))).width;
}

// ---- Float to float
// --------------------------------------------------------------------------------

template <class From, class To>
void convert_float(Lane& lane, const Step& step) {
  Slot* to = lane.slots(step.dst);
  const Slot* a = lane.slots(step.a);
  for (std::uint32_t i = 0; i < step.n; ++i)
    to[i] = encode<To>(static_cast<ValueOf<To>>(decode<From>(a[i])));
}

template <class From>
Handler convert_from(Lowerer& l, const Instruction& i) {
  switch (l.scalar(i.type).width) {
    case 16:
      return toward_zero(l, i) ? straight<convert_float<From, HalfTowardZero>>
                               : straight<convert_float<From, Half>>;
    case 32:
      return rounding<convert_float<From, float>>(l, i);
    case 64:
      return straight<convert_float<From, double>>;
    default:
      return nullptr;
  }
}

void lower_convert_float(Lowerer& l, const Instruction& i) {
  const std::uint32_t from = l.scalar(l.module().type_of(l.arg(i, 0))).width;
  const Handler handler = from == 16   ? convert_from<Half>(l, i)
                          : from == 32 ? convert_from<float>(l, i)
                                       : convert_from<double>(l, i);
  emit_or_deny(l, i, handler, l.components(i.type), {l.operand(i, 0)});
}

// Values below the smallest normal f16 become zero.
void quantize(Lane& lane, const Step& step) {
  Slot* to = lane.slots(step.dst);
  const Slot* a = lane.slots(step.a);
  for (std::uint32_t i = 0; i < step.n; ++i) {
    const float value = decode<float>(a[i]);
    const double half = half_to_double(half_from_double(value));
    const bool flush = std::fabs(half) < 0x1p-14;
    to[i] = encode<float>(static_cast<float>(flush ? std::copysign(0.0, half) : half));
  }
}
void lower_quantize(Lowerer& l, const Instruction& i) {
  l.emit(straight<quantize>, i, l.components(i.type), {l.operand(i, 0)});
}

// ---- Bit casts
// -------------------------------------------------------------------------------------

// The operand's components of `b` bits, low bits first, become components of `c` bits.
void regroup(Lane& lane, const Step& step) {
  Slot* to = lane.slots(step.dst);
  const Slot* a = lane.slots(step.a);
  if (step.b > step.c) {
    const std::uint32_t parts = step.b / step.c;
    for (std::uint32_t i = 0; i < step.n; ++i)
      to[i] = (a[i / parts] >> (i % parts * step.c)) & edge::low_bits<Slot>(step.c);
    return;
  }
  const std::uint32_t parts = step.c / step.b;
  for (std::uint32_t i = 0; i < step.n; ++i) {
    to[i] = 0;
    for (std::uint32_t j = 0; j < parts; ++j) to[i] |= a[i * parts + j] << (j * step.b);
  }
}

void pointer_to_integer(Lane& lane, const Step& step) {
  const Slot* pointer = lane.slots(step.a);
  Slot* to = lane.slots(step.dst);
  const Slot mask = edge::low_bits<Slot>(step.c);
  for (std::uint32_t i = 0; i < step.n; ++i) to[i] = (pointer[2] >> (i * (step.c & 63))) & mask;
}
// n slots of `c` bits.
void integer_to_pointer(Lane& lane, const Step& step) {
  const Slot* from = lane.slots(step.a);
  Slot address = 0;
  for (std::uint32_t i = 0; i < step.n; ++i) address |= from[i] << (i * (step.c & 63));
  Slot* to = lane.slots(step.dst);
  to[0] = kPhysicalBase;
  to[1] = 0;
  to[2] = address;
  to[3] = make_strides(step.b, step.extra);
}

void emit_to_pointer(Lowerer& l, const Instruction& i) {
  const spirv::Id from = l.module().type_of(l.arg(i, 0));
  const Slot strides = l.default_strides(l.type(i.type).element);
  Step& step = l.emit(straight<integer_to_pointer>, i, l.components(from), {l.operand(i, 0)});
  step.c = l.scalar(from).width;
  step.b = static_cast<std::uint32_t>(strides);
  step.extra = static_cast<std::uint32_t>(strides >> 32);
}
void emit_from_pointer(Lowerer& l, const Instruction& i) {
  Step& step = l.emit(straight<pointer_to_integer>, i, l.components(i.type), {l.operand(i, 0)});
  step.c = l.scalar(i.type).width;
}

void lower_bitcast(Lowerer& l, const Instruction& i) {
  const bool from_pointer = l.type_of(l.arg(i, 0)).kind == TypeKind::kPointer;
  const bool to_pointer = l.type(i.type).kind == TypeKind::kPointer;
  if (from_pointer && to_pointer) {
    const Slot strides = l.default_strides(l.type(i.type).element);
    const Ref to = l.ref(i.id), from = l.operand(i, 0);
    l.emit_copy(i, to, from, kPointerSlots - 1);
    l.emit_copy(i, to + 3, l.pool_value({&strides, 1}), 1);
    return;
  }
  if (to_pointer) return emit_to_pointer(l, i);
  if (from_pointer) return emit_from_pointer(l, i);
  const std::uint32_t from = l.scalar(l.module().type_of(l.arg(i, 0))).width;
  const std::uint32_t to = l.scalar(i.type).width;
  if (from == to) return l.emit_copy(i, l.ref(i.id), l.operand(i, 0), l.slots(i.type));
  l.emit(straight<regroup>, i, l.components(i.type), {l.operand(i, 0), from, to});
}

constexpr OpRow kRows[] = {
    {spv::Op::OpConvertFToU, lower_to_unsigned},   {spv::Op::OpConvertFToS, lower_to_signed},
    {spv::Op::OpConvertUToF, lower_from_unsigned}, {spv::Op::OpConvertSToF, lower_from_signed},
    {spv::Op::OpUConvert, lower_unsigned_width},   {spv::Op::OpSConvert, lower_signed_width},
    {spv::Op::OpFConvert, lower_convert_float},    {spv::Op::OpQuantizeToF16, lower_quantize},
    {spv::Op::OpBitcast, lower_bitcast},           {spv::Op::OpConvertPtrToU, emit_from_pointer},
    {spv::Op::OpConvertUToPtr, emit_to_pointer},
};

}  // namespace

std::span<const OpRow> conversion_rows() {
  return kRows;
}

}  // namespace sokr::reference
