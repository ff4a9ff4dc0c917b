// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Scalars in slots, and handlers that apply a function to every component. A function is a
// type with a call operator; integers come as unsigned types, floats as the type they are
// computed in: float, double, and double for f16, whose result is rounded once.
#ifndef SOKR_REFERENCE_NUMERIC_HPP_
#define SOKR_REFERENCE_NUMERIC_HPP_

#include <bit>
#include <concepts>
#include <cstdint>
#include <sokr/reference/float16.hpp>

#include "lowering.hpp"

namespace sokr::reference {

struct Half {};            // f16, rounded to nearest even
struct HalfTowardZero {};  // f16, rounded toward zero

template <class T>
struct Scalar;

template <std::unsigned_integral T>
struct Scalar<T> {
  using Value = T;
  static T decode(Slot slot) { return static_cast<T>(slot); }
  static Slot encode(T value) { return value; }
};

template <>
struct Scalar<float> {
  using Value = float;
  static float decode(Slot slot) { return std::bit_cast<float>(static_cast<std::uint32_t>(slot)); }
  static Slot encode(float value) { return std::bit_cast<std::uint32_t>(value); }
};

template <>
struct Scalar<double> {
  using Value = double;
  static double decode(Slot slot) { return std::bit_cast<double>(slot); }
  static Slot encode(double value) { return std::bit_cast<std::uint64_t>(value); }
};

template <>
struct Scalar<Half> {
  using Value = double;
  static double decode(Slot slot) { return half_to_double(static_cast<std::uint16_t>(slot)); }
  static Slot encode(double value) { return half_from_double(value); }
};

template <>
struct Scalar<HalfTowardZero> {
  using Value = double;
  static double decode(Slot slot) { return half_to_double(static_cast<std::uint16_t>(slot)); }
  static Slot encode(double value) { return half_from_double(value, true); }
};

template <class T>
using ValueOf = typename Scalar<T>::Value;

template <class T>
ValueOf<T> decode(Slot slot) {
  return Scalar<T>::decode(slot);
}
template <class T, class V>
Slot encode(V value) {
  return Scalar<T>::encode(static_cast<ValueOf<T>>(value));
}

// ---- Component-wise handlers ---------------------------------------------------------------

template <class T, class F>
void map1(Lane& lane, const Step& step) {
  Slot* to = lane.slots(step.dst);
  const Slot* a = lane.slots(step.a);
  for (std::uint32_t i = 0; i < step.n; ++i) to[i] = encode<T>(F{}(decode<T>(a[i])));
}

template <class T, class F>
void map2(Lane& lane, const Step& step) {
  Slot* to = lane.slots(step.dst);
  const Slot* a = lane.slots(step.a);
  const Slot* b = lane.slots(step.b);
  for (std::uint32_t i = 0; i < step.n; ++i)
    to[i] = encode<T>(F{}(decode<T>(a[i]), decode<T>(b[i])));
}

template <class T, class F>
void map3(Lane& lane, const Step& step) {
  Slot* to = lane.slots(step.dst);
  const Slot* a = lane.slots(step.a);
  const Slot* b = lane.slots(step.b);
  const Slot* c = lane.slots(step.c);
  for (std::uint32_t i = 0; i < step.n; ++i)
    to[i] = encode<T>(F{}(decode<T>(a[i]), decode<T>(b[i]), decode<T>(c[i])));
}

// A bool from two operands.
template <class T, class F>
void test2(Lane& lane, const Step& step) {
  Slot* to = lane.slots(step.dst);
  const Slot* a = lane.slots(step.a);
  const Slot* b = lane.slots(step.b);
  for (std::uint32_t i = 0; i < step.n; ++i) to[i] = F{}(decode<T>(a[i]), decode<T>(b[i])) ? 1 : 0;
}

template <class T, class F>
void test1(Lane& lane, const Step& step) {
  Slot* to = lane.slots(step.dst);
  const Slot* a = lane.slots(step.a);
  for (std::uint32_t i = 0; i < step.n; ++i) to[i] = F{}(decode<T>(a[i])) ? 1 : 0;
}

// ---- One handler of a family, by the width of the scalar -------------------------------------

// `Make<T>::handler` for the unsigned integer of that width; null if there is none.
template <template <class> class Make>
Handler for_integer(std::uint32_t width) {
  switch (width) {
    case 8:
      return Make<std::uint8_t>::handler;
    case 16:
      return Make<std::uint16_t>::handler;
    case 32:
      return Make<std::uint32_t>::handler;
    case 64:
      return Make<std::uint64_t>::handler;
    default:
      return nullptr;
  }
}

template <template <class> class Make>
Handler for_float(std::uint32_t width, bool half_toward_zero) {
  switch (width) {
    case 16:
      return half_toward_zero ? Make<HalfTowardZero>::handler : Make<Half>::handler;
    case 32:
      return Make<float>::handler;
    case 64:
      return Make<double>::handler;
    default:
      return nullptr;
  }
}

template <class F>
struct Map1 {
  template <class T>
  struct Of {
    static constexpr Handler handler = straight<map1<T, F>>;
  };
};
template <class F>
struct Map2 {
  template <class T>
  struct Of {
    static constexpr Handler handler = straight<map2<T, F>>;
  };
};
template <class F>
struct Map3 {
  template <class T>
  struct Of {
    static constexpr Handler handler = straight<map3<T, F>>;
  };
};
template <class F>
struct Test1 {
  template <class T>
  struct Of {
    static constexpr Handler handler = straight<test1<T, F>>;
  };
};
template <class F>
struct Test2 {
  template <class T>
  struct Of {
    static constexpr Handler handler = straight<test2<T, F>>;
  };
};

// Emits `handler`, or refuses a width that has none.
inline bool emit_or_deny(Lowerer& lowerer, const spirv::Instruction& instruction, Handler handler,
                         std::uint32_t n, std::initializer_list<Ref> operands) {
  if (!handler) {
    lowerer.deny(SOKR_CAPABILITY_DENIED,
                 fmt::format("the reference interpreter does not run {} (word {} of the module) on "
                             "this type",
                             spirv::op_name(instruction.op), instruction.word));
    return false;
  }
  lowerer.emit(handler, instruction, n, operands);
  return true;
}

// Lowerings of `count` operands from argument `first` on; the scalar type is that of the
// first operand.
template <template <class> class Make, std::size_t Count, std::size_t First = 0>
void lower_integer(Lowerer& l, const spirv::Instruction& i) {
  const Handler handler = for_integer<Make>(l.scalar(l.module().type_of(l.arg(i, First))).width);
  const std::uint32_t n = l.components(i.type);
  if constexpr (Count == 1) emit_or_deny(l, i, handler, n, {l.operand(i, First)});
  if constexpr (Count == 2)
    emit_or_deny(l, i, handler, n, {l.operand(i, First), l.operand(i, First + 1)});
  if constexpr (Count == 3)
    emit_or_deny(l, i, handler, n,
                 {l.operand(i, First), l.operand(i, First + 1), l.operand(i, First + 2)});
}

template <template <class> class Make, std::size_t Count, std::size_t First = 0>
void lower_float(Lowerer& l, const spirv::Instruction& i) {
  const Handler handler =
      for_float<Make>(l.scalar(l.module().type_of(l.arg(i, First))).width, l.rounds_half_to_zero());
  const std::uint32_t n = l.components(i.type);
  if constexpr (Count == 1) emit_or_deny(l, i, handler, n, {l.operand(i, First)});
  if constexpr (Count == 2)
    emit_or_deny(l, i, handler, n, {l.operand(i, First), l.operand(i, First + 1)});
  if constexpr (Count == 3)
    emit_or_deny(l, i, handler, n,
                 {l.operand(i, First), l.operand(i, First + 1), l.operand(i, First + 2)});
}

template <class F, std::size_t First = 0>
constexpr Lowering kInteger1 = lower_integer<Map1<F>::template Of, 1, First>;
template <class F, std::size_t First = 0>
constexpr Lowering kInteger2 = lower_integer<Map2<F>::template Of, 2, First>;
template <class F, std::size_t First = 0>
constexpr Lowering kInteger3 = lower_integer<Map3<F>::template Of, 3, First>;
template <class F>
constexpr Lowering kIntegerTest = lower_integer<Test2<F>::template Of, 2>;
template <class F, std::size_t First = 0>
constexpr Lowering kFloat1 = lower_float<Map1<F>::template Of, 1, First>;
template <class F, std::size_t First = 0>
constexpr Lowering kFloat2 = lower_float<Map2<F>::template Of, 2, First>;
template <class F, std::size_t First = 0>
constexpr Lowering kFloat3 = lower_float<Map3<F>::template Of, 3, First>;
template <class F>
constexpr Lowering kFloatTest1 = lower_float<Test1<F>::template Of, 1>;
template <class F>
constexpr Lowering kFloatTest2 = lower_float<Test2<F>::template Of, 2>;

}  // namespace sokr::reference

#endif  // SOKR_REFERENCE_NUMERIC_HPP_
