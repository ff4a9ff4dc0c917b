// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Comparisons, logic and select.
#include <cmath>
#include <cstring>
#include <sokr/substrate/edge_semantics.hpp>

#include "numeric.hpp"

namespace sokr::reference {

namespace edge = sokr::substrate::edge;
using spirv::Instruction;

namespace {

struct Equal {
  template <class V>
  bool operator()(V a, V b) const {
    return a == b;
  }
};
struct NotEqual {
  template <class V>
  bool operator()(V a, V b) const {
    return a != b;
  }
};
struct Less {
  template <class V>
  bool operator()(V a, V b) const {
    return a < b;
  }
};
struct LessEqual {
  template <class V>
  bool operator()(V a, V b) const {
    return a <= b;
  }
};
struct Greater {
  template <class V>
  bool operator()(V a, V b) const {
    return a > b;
  }
};
struct GreaterEqual {
  template <class V>
  bool operator()(V a, V b) const {
    return a >= b;
  }
};

template <class F>
struct Signed {
  template <class T>
  bool operator()(T a, T b) const {
    return F{}(edge::as_signed(a), edge::as_signed(b));
  }
};
template <class F>
struct Unordered {
  template <class V>
  bool operator()(V a, V b) const {
    return std::isunordered(a, b) || F{}(a, b);
  }
};
// C++ compares are ordered, except !=, which is true for a NaN.
struct OrderedNotEqual {
  template <class V>
  bool operator()(V a, V b) const {
    return a < b || a > b;
  }
};
struct IsOrdered {
  template <class V>
  bool operator()(V a, V b) const {
    return !std::isunordered(a, b);
  }
};
struct IsUnordered {
  template <class V>
  bool operator()(V a, V b) const {
    return std::isunordered(a, b);
  }
};
struct IsNan {
  template <class V>
  bool operator()(V a) const {
    return std::isnan(a);
  }
};
struct IsInf {
  template <class V>
  bool operator()(V a) const {
    return std::isinf(a);
  }
};

// A bool's slot is compared as 8 bits.
template <class F>
void logic(Lane& lane, const Step& step) {
  test2<std::uint8_t, F>(lane, step);
}
struct Both {
  template <class V>
  bool operator()(V a, V b) const {
    return a && b;
  }
};
struct Either {
  template <class V>
  bool operator()(V a, V b) const {
    return a || b;
  }
};
struct IsZero {
  template <class V>
  bool operator()(V a) const {
    return a == 0;
  }
};

template <class F>
void lower_logic(Lowerer& l, const Instruction& i) {
  l.emit(straight<logic<F>>, i, l.components(i.type), {l.operand(i, 0), l.operand(i, 1)});
}
void lower_not(Lowerer& l, const Instruction& i) {
  l.emit(straight<test1<std::uint8_t, IsZero>>, i, l.components(i.type), {l.operand(i, 0)});
}

void any(Lane& lane, const Step& step) {
  const Slot* a = lane.slots(step.a);
  Slot result = 0;
  for (std::uint32_t i = 0; i < step.n; ++i) result |= a[i];
  lane.slot(step.dst) = result;
}
void all(Lane& lane, const Step& step) {
  const Slot* a = lane.slots(step.a);
  Slot result = 1;
  for (std::uint32_t i = 0; i < step.n; ++i) result &= a[i];
  lane.slot(step.dst) = result;
}
void lower_any(Lowerer& l, const Instruction& i) {
  l.emit(straight<any>, i, l.components(l.module().type_of(l.arg(i, 0))), {l.operand(i, 0)});
}
void lower_all(Lowerer& l, const Instruction& i) {
  l.emit(straight<all>, i, l.components(l.module().type_of(l.arg(i, 0))), {l.operand(i, 0)});
}

void select_whole(Lane& lane, const Step& step) {
  const Slot* from = lane.slots(lane.slot(step.a) ? step.b : step.c);
  std::memcpy(lane.slots(step.dst), from, step.n * sizeof(Slot));
}
void select_components(Lane& lane, const Step& step) {
  Slot* to = lane.slots(step.dst);
  const Slot* condition = lane.slots(step.a);
  const Slot* yes = lane.slots(step.b);
  const Slot* no = lane.slots(step.c);
  for (std::uint32_t i = 0; i < step.n; ++i) to[i] = condition[i] ? yes[i] : no[i];
}
void lower_select(Lowerer& l, const Instruction& i) {
  const bool vector = l.type_of(l.arg(i, 0)).kind == spirv::TypeKind::kVector;
  l.emit(vector ? straight<select_components> : straight<select_whole>, i, l.slots(i.type),
         {l.operand(i, 0), l.operand(i, 1), l.operand(i, 2)});
}

constexpr OpRow kRows[] = {
    {spv::Op::OpIEqual, kIntegerTest<Equal>},
    {spv::Op::OpINotEqual, kIntegerTest<NotEqual>},
    {spv::Op::OpUGreaterThan, kIntegerTest<Greater>},
    {spv::Op::OpUGreaterThanEqual, kIntegerTest<GreaterEqual>},
    {spv::Op::OpULessThan, kIntegerTest<Less>},
    {spv::Op::OpULessThanEqual, kIntegerTest<LessEqual>},
    {spv::Op::OpSGreaterThan, kIntegerTest<Signed<Greater>>},
    {spv::Op::OpSGreaterThanEqual, kIntegerTest<Signed<GreaterEqual>>},
    {spv::Op::OpSLessThan, kIntegerTest<Signed<Less>>},
    {spv::Op::OpSLessThanEqual, kIntegerTest<Signed<LessEqual>>},
    {spv::Op::OpFOrdEqual, kFloatTest2<Equal>},
    {spv::Op::OpFUnordEqual, kFloatTest2<Unordered<Equal>>},
    {spv::Op::OpFOrdNotEqual, kFloatTest2<OrderedNotEqual>},
    {spv::Op::OpFUnordNotEqual, kFloatTest2<NotEqual>},
    {spv::Op::OpFOrdLessThan, kFloatTest2<Less>},
    {spv::Op::OpFUnordLessThan, kFloatTest2<Unordered<Less>>},
    {spv::Op::OpFOrdGreaterThan, kFloatTest2<Greater>},
    {spv::Op::OpFUnordGreaterThan, kFloatTest2<Unordered<Greater>>},
    {spv::Op::OpFOrdLessThanEqual, kFloatTest2<LessEqual>},
    {spv::Op::OpFUnordLessThanEqual, kFloatTest2<Unordered<LessEqual>>},
    {spv::Op::OpFOrdGreaterThanEqual, kFloatTest2<GreaterEqual>},
    {spv::Op::OpFUnordGreaterThanEqual, kFloatTest2<Unordered<GreaterEqual>>},
    {spv::Op::OpLessOrGreater, kFloatTest2<OrderedNotEqual>},
    {spv::Op::OpOrdered, kFloatTest2<IsOrdered>},
    {spv::Op::OpUnordered, kFloatTest2<IsUnordered>},
    {spv::Op::OpIsNan, kFloatTest1<IsNan>},
    {spv::Op::OpIsInf, kFloatTest1<IsInf>},
    {spv::Op::OpLogicalEqual, lower_logic<Equal>},
    {spv::Op::OpLogicalNotEqual, lower_logic<NotEqual>},
    {spv::Op::OpLogicalAnd, lower_logic<Both>},
    {spv::Op::OpLogicalOr, lower_logic<Either>},
    {spv::Op::OpLogicalNot, lower_not},
    {spv::Op::OpAny, lower_any},
    {spv::Op::OpAll, lower_all},
    {spv::Op::OpSelect, lower_select},
};

}  // namespace

std::span<const OpRow> comparison_rows() {
  return kRows;
}

}  // namespace sokr::reference
