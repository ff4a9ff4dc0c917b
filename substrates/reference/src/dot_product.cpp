// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Integer dot products: of vectors, or of four 8-bit components packed in 32 bits.
#include <algorithm>
#include <sokr/substrate/edge_semantics.hpp>

#include "numeric.hpp"

namespace sokr::reference {

namespace edge = sokr::substrate::edge;
using spirv::Instruction;
using spirv::TypeKind;

namespace {

// n components of `extra & 0xFF` bits, packed if kPacked; the result has bits 8 to 15 of
// `extra`.
constexpr std::uint32_t kPacked = 1u << 16;

std::int64_t component(const Slot* value, std::uint32_t i, std::uint32_t bits, bool packed,
                       bool is_signed) {
  const Slot raw = packed ? (value[0] >> (8 * i)) & 0xFF : value[i];
  const unsigned up = 64 - bits;
  return is_signed ? static_cast<std::int64_t>(raw << up) >> up : static_cast<std::int64_t>(raw);
}

template <bool SignedA, bool SignedB>
std::int64_t sum_of(Lane& lane, const Step& step) {
  const std::uint32_t bits = step.extra & 0xFF;
  const bool packed = step.extra & kPacked;
  std::uint64_t sum = 0;
  for (std::uint32_t i = 0; i < step.n; ++i)
    sum += static_cast<std::uint64_t>(component(lane.slots(step.a), i, bits, packed, SignedA)) *
           static_cast<std::uint64_t>(component(lane.slots(step.b), i, bits, packed, SignedB));
  return static_cast<std::int64_t>(sum);
}

template <bool SignedA, bool SignedB>
void dot(Lane& lane, const Step& step) {
  const Slot mask = edge::low_bits<Slot>((step.extra >> 8) & 0xFF);
  lane.slot(step.dst) = static_cast<Slot>(sum_of<SignedA, SignedB>(lane, step)) & mask;
}

// The exact sum plus the accumulator, to the nearest value of the result's width.
template <bool SignedA, bool SignedB>
void dot_accumulate(Lane& lane, const Step& step) {
  const std::uint32_t bits = (step.extra >> 8) & 0xFF;
  constexpr bool kSigned = SignedA || SignedB;
  const unsigned up = 64 - bits;
  const Slot raw = lane.slot(step.c);
  if constexpr (kSigned) {
    const std::int64_t accumulator = static_cast<std::int64_t>(raw << up) >> up;
    const std::int64_t low = INT64_MIN >> up, high = INT64_MAX >> up;
    std::int64_t sum = 0;
    if (__builtin_add_overflow(sum_of<SignedA, SignedB>(lane, step), accumulator, &sum))
      sum = accumulator < 0 ? low : high;
    lane.slot(step.dst) =
        static_cast<Slot>(std::clamp(sum, low, high)) & edge::low_bits<Slot>(bits);
  } else {
    std::uint64_t sum = 0;
    const auto product = static_cast<std::uint64_t>(sum_of<false, false>(lane, step));
    if (__builtin_add_overflow(product, raw, &sum)) sum = UINT64_MAX;
    lane.slot(step.dst) = std::min(sum, edge::low_bits<Slot>(bits));
  }
}

template <void (*Function)(Lane&, const Step&), bool Accumulates>
void lower_dot(Lowerer& l, const Instruction& i) {
  const spirv::Type& operand = l.type_of(l.arg(i, 0));
  const bool packed = operand.kind != TypeKind::kVector;
  const std::uint32_t n = packed ? 4 : operand.count;
  const std::uint32_t bits = packed ? 8 : l.scalar(operand.id).width;
  if (Accumulates && bits == 64)
    return l.deny(SOKR_CAPABILITY_DENIED,
                  fmt::format("the reference interpreter does not run {} (word {}) on 64-bit "
                              "components",
                              spirv::op_name(i.op), i.word));
  const Ref accumulator = Accumulates ? l.operand(i, 2) : 0;
  l.emit(straight<Function>, i, n, {l.operand(i, 0), l.operand(i, 1), accumulator}).extra =
      bits | (l.type(i.type).width << 8) | (packed ? kPacked : 0);
}

constexpr OpRow kRows[] = {
    {spv::Op::OpSDot, lower_dot<dot<true, true>, false>},
    {spv::Op::OpUDot, lower_dot<dot<false, false>, false>},
    {spv::Op::OpSUDot, lower_dot<dot<true, false>, false>},
    {spv::Op::OpSDotAccSat, lower_dot<dot_accumulate<true, true>, true>},
    {spv::Op::OpUDotAccSat, lower_dot<dot_accumulate<false, false>, true>},
    {spv::Op::OpSUDotAccSat, lower_dot<dot_accumulate<true, false>, true>},
};

}  // namespace

std::span<const OpRow> dot_product_rows() {
  return kRows;
}

}  // namespace sokr::reference
