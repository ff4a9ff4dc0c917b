// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Atomic operations. All of them are sequentially consistent, which is more than any
// semantics can ask for. Memory in slot layout belongs to one thread, but goes the same way.
#include <atomic>
#include <sokr/substrate/edge_semantics.hpp>

#include "memory.hpp"
#include "numeric.hpp"

namespace sokr::reference {

namespace edge = sokr::substrate::edge;
using spirv::Instruction;

namespace {

constexpr int kOrder = __ATOMIC_SEQ_CST;

// The word of an atomic; null if out of bounds or, after failing the lane, misaligned.
template <class T>
T* word(Lane& lane, const Step* step, bool write) {
  std::uint8_t* at = resolve(lane, *step, lane.slots(step->a), 0, sizeof(T), write);
  if (!at || reinterpret_cast<std::uintptr_t>(at) % sizeof(T) == 0) return reinterpret_cast<T*>(at);
  lane.worker->fail_lane(lane, step, "the atomic's address is not a multiple of its size");
  return nullptr;
}

const Step* next(Lane& lane, const Step* step) {
  return lane.state == LaneState::kFailed ? nullptr : step + 1;
}

template <class T>
const Step* atomic_load(Lane& lane, const Step* step) {
  const T* at = word<T>(lane, step, false);
  lane.slot(step->dst) = at ? __atomic_load_n(at, kOrder) : 0;
  return next(lane, step);
}
template <class T>
const Step* atomic_store(Lane& lane, const Step* step) {
  T* at = word<T>(lane, step, true);
  if (at) __atomic_store_n(at, static_cast<T>(lane.slot(step->b)), kOrder);
  return next(lane, step);
}
template <class T>
const Step* atomic_exchange(Lane& lane, const Step* step) {
  T* at = word<T>(lane, step, true);
  lane.slot(step->dst) =
      at ? __atomic_exchange_n(at, static_cast<T>(lane.slot(step->b)), kOrder) : 0;
  return next(lane, step);
}
// b = value, c = comparator.
template <class T>
const Step* atomic_compare(Lane& lane, const Step* step) {
  T* at = word<T>(lane, step, true);
  T expected = static_cast<T>(lane.slot(step->c));
  if (at)
    __atomic_compare_exchange_n(at, &expected, static_cast<T>(lane.slot(step->b)), false, kOrder,
                                kOrder);
  lane.slot(step->dst) = at ? expected : 0;
  return next(lane, step);
}

// A float's bits without a denormal, which becomes a zero of its sign.
template <class T>
T without_denormal(T bits) {
  constexpr unsigned kMantissa = sizeof(T) == 2 ? 10 : sizeof(T) == 4 ? 23 : 52;
  constexpr T kSign = static_cast<T>(T{1} << (sizeof(T) * 8 - 1));
  return (bits & static_cast<T>(~kSign)) >> kMantissa == 0 ? static_cast<T>(bits & kSign) : bits;
}

// The old value becomes F(old, b); S is how the bits are read. kFlush: no denormal is stored.
template <class S, class T, class F, bool kFlush = false>
const Step* atomic_update(Lane& lane, const Step* step) {
  T* at = word<T>(lane, step, true);
  if (!at) {
    lane.slot(step->dst) = 0;
    return next(lane, step);
  }
  const auto value = decode<S>(lane.slot(step->b));
  T old = __atomic_load_n(at, kOrder);
  T desired;
  do {
    desired = static_cast<T>(encode<S>(F{}(decode<S>(old), value)));
    if constexpr (kFlush) desired = without_denormal(desired);
  } while (!__atomic_compare_exchange_n(at, &old, desired, false, kOrder, kOrder));
  lane.slot(step->dst) = old;
  return step + 1;
}

struct Add {
  template <class V>
  V operator()(V a, V b) const {
    return static_cast<V>(a + b);
  }
};
struct Sub {
  template <class V>
  V operator()(V a, V b) const {
    return static_cast<V>(a - b);
  }
};
struct And {
  template <class V>
  V operator()(V a, V b) const {
    return static_cast<V>(a & b);
  }
};
struct Or {
  template <class V>
  V operator()(V a, V b) const {
    return static_cast<V>(a | b);
  }
};
struct Xor {
  template <class V>
  V operator()(V a, V b) const {
    return static_cast<V>(a ^ b);
  }
};
struct UMin {
  template <class V>
  V operator()(V a, V b) const {
    return b < a ? b : a;
  }
};
struct UMax {
  template <class V>
  V operator()(V a, V b) const {
    return a < b ? b : a;
  }
};
struct SMin {
  template <class V>
  V operator()(V a, V b) const {
    return edge::as_signed(b) < edge::as_signed(a) ? b : a;
  }
};
struct SMax {
  template <class V>
  V operator()(V a, V b) const {
    return edge::as_signed(a) < edge::as_signed(b) ? b : a;
  }
};
struct FMin {
  template <class V>
  V operator()(V a, V b) const {
    return edge::float_min(a, b);
  }
};
struct FMax {
  template <class V>
  V operator()(V a, V b) const {
    return edge::float_max(a, b);
  }
};

// ---- Handlers by memory word: the value's width, or a slot in slot layout ---------------------

// Slot layout keeps the upper bits 0, so a narrower value works in the first bytes of its
// slot on a little-endian machine.
static_assert(std::endian::native == std::endian::little);

template <template <class> class Make>
Handler by_width(std::uint32_t width) {
  return width == 32   ? Make<std::uint32_t>::handler
         : width == 64 ? Make<std::uint64_t>::handler
         : width == 16 ? Make<std::uint16_t>::handler
                       : nullptr;
}
template <class T>
struct Load {
  static constexpr Handler handler = atomic_load<T>;
};
template <class T>
struct Store {
  static constexpr Handler handler = atomic_store<T>;
};
template <class T>
struct Exchange {
  static constexpr Handler handler = atomic_exchange<T>;
};
template <class T>
struct Compare {
  static constexpr Handler handler = atomic_compare<T>;
};
template <class F>
struct Update {
  template <class T>
  struct Of {
    static constexpr Handler handler = atomic_update<T, T, F>;
  };
};

std::uint32_t width_of(Lowerer& l, const Instruction& i) {
  return l.type(l.type_of(l.arg(i, 0)).element).width;
}

void lower_load(Lowerer& l, const Instruction& i) {
  emit_or_deny(l, i, by_width<Load>(width_of(l, i)), 1, {l.operand(i, 0)});
}
void lower_store(Lowerer& l, const Instruction& i) {
  emit_or_deny(l, i, by_width<Store>(width_of(l, i)), 1, {l.operand(i, 0), l.operand(i, 3)});
}
void lower_exchange(Lowerer& l, const Instruction& i) {
  emit_or_deny(l, i, by_width<Exchange>(width_of(l, i)), 1, {l.operand(i, 0), l.operand(i, 3)});
}
void lower_compare(Lowerer& l, const Instruction& i) {
  emit_or_deny(l, i, by_width<Compare>(width_of(l, i)), 1,
               {l.operand(i, 0), l.operand(i, 4), l.operand(i, 5)});
}
template <class F>
void lower_update(Lowerer& l, const Instruction& i) {
  emit_or_deny(l, i, by_width<Update<F>::template Of>(width_of(l, i)), 1,
               {l.operand(i, 0), l.operand(i, 3)});
}
template <class F>
void lower_step(Lowerer& l, const Instruction& i) {
  const Slot one = 1;
  const Ref value = l.pool_value({&one, 1});
  emit_or_deny(l, i, by_width<Update<F>::template Of>(width_of(l, i)), 1, {l.operand(i, 0), value});
}
template <class F, bool kFlush>
Handler float_handler(std::uint32_t width, bool half_to_zero) {
  if (width == 16 && half_to_zero) return atomic_update<HalfTowardZero, std::uint16_t, F, kFlush>;
  return width == 16   ? atomic_update<Half, std::uint16_t, F, kFlush>
         : width == 32 ? atomic_update<float, std::uint32_t, F, kFlush>
         : width == 64 ? atomic_update<double, std::uint64_t, F, kFlush>
                       : nullptr;
}
template <class F>
void lower_float_update(Lowerer& l, const Instruction& i) {
  const std::uint32_t width = width_of(l, i);
  const bool to_zero = l.rounds_half_to_zero();
  emit_or_deny(l, i,
               l.flushes(width) ? float_handler<F, true>(width, to_zero)
                                : float_handler<F, false>(width, to_zero),
               1, {l.operand(i, 0), l.operand(i, 3)});
}

constexpr OpRow kRows[] = {
    {spv::Op::OpAtomicLoad, lower_load},
    {spv::Op::OpAtomicStore, lower_store},
    {spv::Op::OpAtomicExchange, lower_exchange},
    {spv::Op::OpAtomicCompareExchange, lower_compare},
    {spv::Op::OpAtomicIIncrement, lower_step<Add>},
    {spv::Op::OpAtomicIDecrement, lower_step<Sub>},
    {spv::Op::OpAtomicIAdd, lower_update<Add>},
    {spv::Op::OpAtomicISub, lower_update<Sub>},
    {spv::Op::OpAtomicSMin, lower_update<SMin>},
    {spv::Op::OpAtomicUMin, lower_update<UMin>},
    {spv::Op::OpAtomicSMax, lower_update<SMax>},
    {spv::Op::OpAtomicUMax, lower_update<UMax>},
    {spv::Op::OpAtomicAnd, lower_update<And>},
    {spv::Op::OpAtomicOr, lower_update<Or>},
    {spv::Op::OpAtomicXor, lower_update<Xor>},
    {spv::Op::OpAtomicFAddEXT, lower_float_update<Add>},
    {spv::Op::OpAtomicFMinEXT, lower_float_update<FMin>},
    {spv::Op::OpAtomicFMaxEXT, lower_float_update<FMax>},
};

}  // namespace

std::span<const OpRow> atomic_rows() {
  return kRows;
}

}  // namespace sokr::reference
