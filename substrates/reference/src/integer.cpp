// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Integer arithmetic, shifts and bit fields.
#include <sokr/substrate/edge_semantics.hpp>

#include "numeric.hpp"

namespace sokr::reference {

namespace edge = sokr::substrate::edge;
using spirv::Instruction;

namespace {

struct Add {
  template <class T>
  T operator()(T a, T b) const {
    return static_cast<T>(a + b);
  }
};
struct Subtract {
  template <class T>
  T operator()(T a, T b) const {
    return static_cast<T>(a - b);
  }
};
struct Multiply {
  template <class T>
  T operator()(T a, T b) const {
    return static_cast<T>(std::uint64_t{a} * b);
  }
};
struct Negate {
  template <class T>
  T operator()(T a) const {
    return static_cast<T>(T{0} - a);
  }
};
struct Not {
  template <class T>
  T operator()(T a) const {
    return static_cast<T>(~a);
  }
};
struct And {
  template <class T>
  T operator()(T a, T b) const {
    return static_cast<T>(a & b);
  }
};
struct Or {
  template <class T>
  T operator()(T a, T b) const {
    return static_cast<T>(a | b);
  }
};
struct Xor {
  template <class T>
  T operator()(T a, T b) const {
    return static_cast<T>(a ^ b);
  }
};
struct UDiv {
  template <class T>
  T operator()(T a, T b) const {
    return edge::udiv(a, b);
  }
};
struct SDiv {
  template <class T>
  T operator()(T a, T b) const {
    return edge::sdiv(a, b);
  }
};
struct UMod {
  template <class T>
  T operator()(T a, T b) const {
    return edge::umod(a, b);
  }
};
struct SRem {
  template <class T>
  T operator()(T a, T b) const {
    return edge::srem(a, b);
  }
};
struct SMod {
  template <class T>
  T operator()(T a, T b) const {
    return edge::smod(a, b);
  }
};
struct Reverse {
  template <class T>
  T operator()(T a) const {
    return edge::bit_reverse(a);
  }
};

// Shift amounts have their own width; a slot holds any of them.
struct ShiftLeft {
  template <class T>
  static T apply(T value, Slot amount) {
    return edge::shift_left(value, amount);
  }
};
struct ShiftRight {
  template <class T>
  static T apply(T value, Slot amount) {
    return edge::shift_right_logical(value, amount);
  }
};
struct ShiftRightSigned {
  template <class T>
  static T apply(T value, Slot amount) {
    return edge::shift_right_arithmetic(value, amount);
  }
};

template <class T, class F>
void shift(Lane& lane, const Step& step) {
  Slot* to = lane.slots(step.dst);
  const Slot* a = lane.slots(step.a);
  const Slot* b = lane.slots(step.b);
  for (std::uint32_t i = 0; i < step.n; ++i) to[i] = F::apply(static_cast<T>(a[i]), b[i]);
}
template <class F>
struct Shift {
  template <class T>
  struct Of {
    static constexpr Handler handler = straight<shift<T, F>>;
  };
};

template <class T>
void bit_count(Lane& lane, const Step& step) {
  Slot* to = lane.slots(step.dst);
  const Slot* a = lane.slots(step.a);
  for (std::uint32_t i = 0; i < step.n; ++i) to[i] = edge::bit_count(static_cast<T>(a[i]));
}
template <class T>
struct BitCount {
  static constexpr Handler handler = straight<bit_count<T>>;
};

// offset and count are scalars of any width.
template <class T>
void extract_unsigned(Lane& lane, const Step& step) {
  Slot* to = lane.slots(step.dst);
  const Slot* a = lane.slots(step.a);
  const Slot offset = lane.slot(step.b), count = lane.slot(step.c);
  for (std::uint32_t i = 0; i < step.n; ++i)
    to[i] = edge::bit_field_uextract(static_cast<T>(a[i]), offset, count);
}
template <class T>
struct ExtractUnsigned {
  static constexpr Handler handler = straight<extract_unsigned<T>>;
};

template <class T>
void extract_signed(Lane& lane, const Step& step) {
  Slot* to = lane.slots(step.dst);
  const Slot* a = lane.slots(step.a);
  const Slot offset = lane.slot(step.b), count = lane.slot(step.c);
  for (std::uint32_t i = 0; i < step.n; ++i)
    to[i] = edge::bit_field_sextract(static_cast<T>(a[i]), offset, count);
}
template <class T>
struct ExtractSigned {
  static constexpr Handler handler = straight<extract_signed<T>>;
};

// `extra` is the ref of the count.
template <class T>
void insert(Lane& lane, const Step& step) {
  Slot* to = lane.slots(step.dst);
  const Slot* a = lane.slots(step.a);
  const Slot* b = lane.slots(step.b);
  const Slot offset = lane.slot(step.c), count = lane.slot(step.extra);
  for (std::uint32_t i = 0; i < step.n; ++i)
    to[i] = edge::bit_field_insert(static_cast<T>(a[i]), static_cast<T>(b[i]), offset, count);
}
template <class T>
struct Insert {
  static constexpr Handler handler = straight<insert<T>>;
};

// Results of two members, each of n components.
template <class T, class F>
void pair(Lane& lane, const Step& step) {
  Slot* to = lane.slots(step.dst);
  const Slot* a = lane.slots(step.a);
  const Slot* b = lane.slots(step.b);
  for (std::uint32_t i = 0; i < step.n; ++i) {
    const auto wide = F::apply(static_cast<T>(a[i]), static_cast<T>(b[i]));
    to[i] = wide.low;
    to[step.n + i] = wide.high;
  }
}
template <class F>
struct Pair {
  template <class T>
  struct Of {
    static constexpr Handler handler = straight<pair<T, F>>;
  };
};
struct AddCarry {
  template <class T>
  static edge::Wide<T> apply(T a, T b) {
    const T sum = static_cast<T>(a + b);
    return {sum, static_cast<T>(sum < a ? 1 : 0)};
  }
};
struct SubBorrow {
  template <class T>
  static edge::Wide<T> apply(T a, T b) {
    return {static_cast<T>(a - b), static_cast<T>(a < b ? 1 : 0)};
  }
};
struct UMulExtended {
  template <class T>
  static edge::Wide<T> apply(T a, T b) {
    return edge::umul_extended(a, b);
  }
};
struct SMulExtended {
  template <class T>
  static edge::Wide<T> apply(T a, T b) {
    return edge::smul_extended(a, b);
  }
};

template <class F>
void lower_pair(Lowerer& l, const Instruction& i) {
  const spirv::Id operand = l.module().type_of(l.arg(i, 0));
  emit_or_deny(l, i, for_integer<Pair<F>::template Of>(l.scalar(operand).width),
               l.components(operand), {l.operand(i, 0), l.operand(i, 1)});
}

void lower_insert(Lowerer& l, const Instruction& i) {
  const Ref count = l.operand(i, 3);
  if (emit_or_deny(l, i, for_integer<Insert>(l.scalar(i.type).width), l.components(i.type),
                   {l.operand(i, 0), l.operand(i, 1), l.operand(i, 2)}))
    l.program().steps.back().extra = count;
}

constexpr OpRow kRows[] = {
    {spv::Op::OpIAdd, kInteger2<Add>},
    {spv::Op::OpISub, kInteger2<Subtract>},
    {spv::Op::OpIMul, kInteger2<Multiply>},
    {spv::Op::OpUDiv, kInteger2<UDiv>},
    {spv::Op::OpSDiv, kInteger2<SDiv>},
    {spv::Op::OpUMod, kInteger2<UMod>},
    {spv::Op::OpSRem, kInteger2<SRem>},
    {spv::Op::OpSMod, kInteger2<SMod>},
    {spv::Op::OpSNegate, kInteger1<Negate>},
    {spv::Op::OpNot, kInteger1<Not>},
    {spv::Op::OpBitwiseAnd, kInteger2<And>},
    {spv::Op::OpBitwiseOr, kInteger2<Or>},
    {spv::Op::OpBitwiseXor, kInteger2<Xor>},
    {spv::Op::OpShiftLeftLogical, lower_integer<Shift<ShiftLeft>::Of, 2>},
    {spv::Op::OpShiftRightLogical, lower_integer<Shift<ShiftRight>::Of, 2>},
    {spv::Op::OpShiftRightArithmetic, lower_integer<Shift<ShiftRightSigned>::Of, 2>},
    {spv::Op::OpBitReverse, kInteger1<Reverse>},
    {spv::Op::OpBitCount, lower_integer<BitCount, 1>},
    {spv::Op::OpBitFieldUExtract, lower_integer<ExtractUnsigned, 3>},
    {spv::Op::OpBitFieldSExtract, lower_integer<ExtractSigned, 3>},
    {spv::Op::OpBitFieldInsert, lower_insert},
    {spv::Op::OpIAddCarry, lower_pair<AddCarry>},
    {spv::Op::OpISubBorrow, lower_pair<SubBorrow>},
    {spv::Op::OpUMulExtended, lower_pair<UMulExtended>},
    {spv::Op::OpSMulExtended, lower_pair<SMulExtended>},
};

}  // namespace

std::span<const OpRow> integer_rows() {
  return kRows;
}

}  // namespace sokr::reference
