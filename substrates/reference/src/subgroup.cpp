// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Subgroup operations. A lane that reaches one pauses; when every invocation that executes
// it together has arrived, the group handler computes all their results.
#include <algorithm>
#include <cmath>
#include <sokr/substrate/edge_semantics.hpp>

#include "numeric.hpp"
#include "worker.hpp"

namespace sokr::reference {

namespace edge = sokr::substrate::edge;
using spirv::Id;
using spirv::Instruction;
using spirv::TypeKind;

namespace {

const Step* wait_for_subgroup(Lane& lane, const Step* step) {
  lane.at = step;
  lane.state = LaneState::kSubgroup;
  return nullptr;
}

const GroupOperation& operation_of(ActiveSet& set, const Step& step) {
  for (Lane* lane : set.lanes)
    if (lane) return lane->worker->program.groups[step.extra];
  static const GroupOperation kNothing{};
  return kNothing;
}

// Calls f(index in subgroup, lane) for each active lane in order.
template <class F>
void for_active(ActiveSet& set, F f) {
  for (std::uint32_t i = 0; i < set.size; ++i)
    if (set.lanes[i]) f(i, *set.lanes[i]);
}

std::uint32_t first_active(const ActiveSet& set) {
  for (std::uint32_t i = 0; i < set.size; ++i)
    if (set.lanes[i]) return i;
  return 0;
}

// ---- Basic and vote ------------------------------------------------------------------------

void elect(ActiveSet& set, const Step& step) {
  const std::uint32_t first = first_active(set);
  for_active(set, [&](std::uint32_t i, Lane& lane) { lane.slot(step.dst) = i == first; });
}
void vote_all(ActiveSet& set, const Step& step) {
  bool result = true;
  for_active(set, [&](std::uint32_t, Lane& lane) { result &= lane.slot(step.a) != 0; });
  for_active(set, [&](std::uint32_t, Lane& lane) { lane.slot(step.dst) = result; });
}
void vote_any(ActiveSet& set, const Step& step) {
  bool result = false;
  for_active(set, [&](std::uint32_t, Lane& lane) { result |= lane.slot(step.a) != 0; });
  for_active(set, [&](std::uint32_t, Lane& lane) { lane.slot(step.dst) = result; });
}
// Equal as values: `cluster` is the width of a float (so that -0 equals 0 and a NaN nothing),
// 0 for others.
bool equal(const GroupOperation& operation, Slot a, Slot b) {
  switch (operation.cluster) {
    case 16:
      return decode<Half>(a) == decode<Half>(b);
    case 32:
      return decode<float>(a) == decode<float>(b);
    case 64:
      return decode<double>(a) == decode<double>(b);
    default:
      return a == b;
  }
}
void vote_equal(ActiveSet& set, const Step& step) {
  const GroupOperation& operation = operation_of(set, step);
  const Slot* first = set.lanes[first_active(set)]->slots(step.a);
  bool result = true;
  for_active(set, [&](std::uint32_t, Lane& lane) {
    for (std::uint32_t i = 0; i < step.n; ++i)
      result &= equal(operation, first[i], lane.slots(step.a)[i]);
  });
  for_active(set, [&](std::uint32_t, Lane& lane) { lane.slot(step.dst) = result; });
}

// ---- Ballot ------------------------------------------------------------------------------------

LaneMask mask_of(const Slot* words) {
  LaneMask mask;
  for (std::uint32_t i = 0; i < kMaxSubgroupSize; ++i) mask[i] = (words[i / 32] >> (i % 32)) & 1u;
  return mask;
}
void write_mask(const LaneMask& mask, Slot* words) {
  for (std::uint32_t word = 0; word < 4; ++word) {
    words[word] = 0;
    for (std::uint32_t bit = 0; bit < 32; ++bit) words[word] |= Slot{mask[word * 32 + bit]} << bit;
  }
}
void ballot(ActiveSet& set, const Step& step) {
  LaneMask mask;
  for_active(set, [&](std::uint32_t i, Lane& lane) { mask[i] = lane.slot(step.a) != 0; });
  for_active(set, [&](std::uint32_t, Lane& lane) { write_mask(mask, lane.slots(step.dst)); });
}
void inverse_ballot(ActiveSet& set, const Step& step) {
  for_active(set, [&](std::uint32_t i, Lane& lane) {
    lane.slot(step.dst) = mask_of(lane.slots(step.a))[i];
  });
}
void ballot_bit(ActiveSet& set, const Step& step) {
  for_active(set, [&](std::uint32_t, Lane& lane) {
    const Slot index = lane.slot(step.b);
    lane.slot(step.dst) = index < set.size && mask_of(lane.slots(step.a))[index];
  });
}
void ballot_count(ActiveSet& set, const Step& step) {
  const auto operation = static_cast<spv::GroupOperation>(operation_of(set, step).operation);
  for_active(set, [&](std::uint32_t self, Lane& lane) {
    const LaneMask mask = mask_of(lane.slots(step.a));
    std::uint32_t end = set.size;
    if (operation == spv::GroupOperation::InclusiveScan) end = self + 1;
    if (operation == spv::GroupOperation::ExclusiveScan) end = self;
    std::uint32_t count = 0;
    for (std::uint32_t i = 0; i < end; ++i) count += mask[i];
    lane.slot(step.dst) = count;
  });
}
// UINT32_MAX if no bit of the subgroup is set.
void ballot_lowest(ActiveSet& set, const Step& step) {
  for_active(set, [&](std::uint32_t, Lane& lane) {
    const LaneMask mask = mask_of(lane.slots(step.a));
    std::uint32_t at = UINT32_MAX;
    for (std::uint32_t i = set.size; i-- > 0;)
      if (mask[i]) at = i;
    lane.slot(step.dst) = at;
  });
}
void ballot_highest(ActiveSet& set, const Step& step) {
  for_active(set, [&](std::uint32_t, Lane& lane) {
    const LaneMask mask = mask_of(lane.slots(step.a));
    std::uint32_t at = UINT32_MAX;
    for (std::uint32_t i = 0; i < set.size; ++i)
      if (mask[i]) at = i;
    lane.slot(step.dst) = at;
  });
}

// ---- Values of other lanes ---------------------------------------------------------------------

// Each lane reads operand a of lane `source(index, lane)`; 0 from an inactive one.
template <class F>
void shuffle(ActiveSet& set, const Step& step, F source) {
  for_active(set, [&](std::uint32_t index, Lane& lane) {
    const std::uint64_t from = source(index, lane);
    Slot* to = lane.slots(step.dst);
    const bool active = from < set.size && set.lanes[from];
    for (std::uint32_t i = 0; i < step.n; ++i)
      to[i] = active ? set.lanes[from]->slots(step.a)[i] : 0;
  });
}

void broadcast_first(ActiveSet& set, const Step& step) {
  const std::uint32_t first = first_active(set);
  shuffle(set, step, [&](std::uint32_t, Lane&) { return std::uint64_t{first}; });
}
void shuffle_to(ActiveSet& set, const Step& step) {
  shuffle(set, step, [&](std::uint32_t, Lane& lane) { return lane.slot(step.b); });
}
void shuffle_xor(ActiveSet& set, const Step& step) {
  shuffle(set, step, [&](std::uint32_t i, Lane& lane) { return i ^ lane.slot(step.b); });
}
void shuffle_up(ActiveSet& set, const Step& step) {
  shuffle(set, step, [&](std::uint32_t i, Lane& lane) { return i - lane.slot(step.b); });
}
void shuffle_down(ActiveSet& set, const Step& step) {
  shuffle(set, step, [&](std::uint32_t i, Lane& lane) { return i + lane.slot(step.b); });
}
void rotate(ActiveSet& set, const Step& step) {
  const std::uint32_t given = operation_of(set, step).cluster;
  const std::uint32_t cluster = given ? given : set.size;
  shuffle(set, step, [&](std::uint32_t i, Lane& lane) {
    return (i & ~(cluster - 1)) + ((i + lane.slot(step.b)) & (cluster - 1));
  });
}
void quad_broadcast(ActiveSet& set, const Step& step) {
  shuffle(set, step,
          [&](std::uint32_t i, Lane& lane) { return (i & ~3u) + (lane.slot(step.b) & 3); });
}
// `operation` = direction: 0 horizontal, 1 vertical, 2 diagonal.
void quad_swap(ActiveSet& set, const Step& step) {
  const std::uint32_t flip = operation_of(set, step).operation + 1;
  shuffle(set, step, [&](std::uint32_t i, Lane&) { return std::uint64_t{i ^ flip}; });
}

// ---- Arithmetic --------------------------------------------------------------------------------

// Combines in the order of lanes. Identity is what an exclusive scan starts from.
template <class T, class F>
void combine(ActiveSet& set, const Step& step) {
  const GroupOperation& operation = operation_of(set, step);
  const auto kind = static_cast<spv::GroupOperation>(operation.operation);
  const std::uint32_t cluster =
      kind == spv::GroupOperation::ClusteredReduce ? operation.cluster : set.size;
  for (std::uint32_t component = 0; component < step.n; ++component) {
    for (std::uint32_t begin = 0; begin < set.size; begin += cluster) {
      ValueOf<T> sum = F::template identity<T>();
      const std::uint32_t end = std::min(begin + cluster, set.size);
      for (std::uint32_t i = begin; i < end; ++i) {
        if (!set.lanes[i]) continue;
        Lane& lane = *set.lanes[i];
        const auto value = decode<T>(lane.slots(step.a)[component]);
        const auto before = sum;
        sum = decode<T>(encode<T>(F{}(sum, value)));
        Slot& to = lane.slots(step.dst)[component];
        to = encode<T>(kind == spv::GroupOperation::ExclusiveScan ? before : sum);
      }
      if (kind != spv::GroupOperation::Reduce && kind != spv::GroupOperation::ClusteredReduce)
        continue;
      for (std::uint32_t i = begin; i < end; ++i)
        if (set.lanes[i]) set.lanes[i]->slots(step.dst)[component] = encode<T>(sum);
    }
  }
}

template <int Value>
struct Constant {
  template <class T>
  static ValueOf<T> identity() {
    return static_cast<ValueOf<T>>(Value);
  }
};
struct Add : Constant<0> {
  template <class V>
  V operator()(V a, V b) const {
    return static_cast<V>(a + b);
  }
};
struct Multiply : Constant<1> {
  template <class V>
  V operator()(V a, V b) const {
    if constexpr (std::is_integral_v<V>)
      return static_cast<V>(std::uint64_t{a} * b);
    else
      return a * b;
  }
};
struct And : Constant<-1> {
  template <class V>
  V operator()(V a, V b) const {
    return static_cast<V>(a & b);
  }
};
struct Or : Constant<0> {
  template <class V>
  V operator()(V a, V b) const {
    return static_cast<V>(a | b);
  }
};
struct Xor : Constant<0> {
  template <class V>
  V operator()(V a, V b) const {
    return static_cast<V>(a ^ b);
  }
};
struct LogicalAnd : Constant<1> {
  template <class V>
  V operator()(V a, V b) const {
    return static_cast<V>(a & b);
  }
};
struct UMin : Constant<-1> {
  template <class V>
  V operator()(V a, V b) const {
    return b < a ? b : a;
  }
};
struct UMax : Constant<0> {
  template <class V>
  V operator()(V a, V b) const {
    return a < b ? b : a;
  }
};
struct SMin {
  template <class T>
  static T identity() {
    return static_cast<T>(static_cast<T>(~T{0}) >> 1);
  }
  template <class V>
  V operator()(V a, V b) const {
    return edge::as_signed(b) < edge::as_signed(a) ? b : a;
  }
};
struct SMax {
  template <class T>
  static T identity() {
    return static_cast<T>(T{1} << (edge::kWidth<T> - 1));
  }
  template <class V>
  V operator()(V a, V b) const {
    return edge::as_signed(a) < edge::as_signed(b) ? b : a;
  }
};
struct FloatMin {
  template <class T>
  static ValueOf<T> identity() {
    return static_cast<ValueOf<T>>(INFINITY);
  }
  template <class V>
  V operator()(V a, V b) const {
    return edge::float_min(a, b);
  }
};
struct FloatMax {
  template <class T>
  static ValueOf<T> identity() {
    return static_cast<ValueOf<T>>(-INFINITY);
  }
  template <class V>
  V operator()(V a, V b) const {
    return edge::float_max(a, b);
  }
};

// ---- Lowering
// ------------------------------------------------------------------------------------

void emit_group(Lowerer& l, const Instruction& i, GroupOperation operation, std::uint32_t n,
                std::initializer_list<Ref> operands) {
  if (!operation.run) {
    emit_or_deny(l, i, nullptr, n, operands);
    return;
  }
  l.emit(wait_for_subgroup, i, n, operands).extra =
      static_cast<std::uint32_t>(l.program().groups.size());
  l.program().groups.push_back(operation);
}

// Operands start after the scope (GroupNonUniform) or at once (KHR ballot and vote).
template <GroupHandler Run, std::size_t Operands, std::size_t First = 1>
void lower_group(Lowerer& l, const Instruction& i) {
  const GroupOperation operation{.run = Run};
  if constexpr (Operands == 0) {
    emit_group(l, i, operation, 1, {});
  } else {
    const std::uint32_t n = l.slots(l.module().type_of(l.arg(i, First)));
    if constexpr (Operands == 1) emit_group(l, i, operation, n, {l.operand(i, First)});
    if constexpr (Operands == 2)
      emit_group(l, i, operation, n, {l.operand(i, First), l.operand(i, First + 1)});
  }
}

template <std::size_t First>
void lower_vote_equal(Lowerer& l, const Instruction& i) {
  const Id type = l.module().type_of(l.arg(i, First));
  const spirv::Type& scalar = l.scalar(type);
  const std::uint32_t width = scalar.kind == TypeKind::kFloat ? scalar.width : 0;
  emit_group(l, i, {.run = vote_equal, .cluster = width}, l.slots(type), {l.operand(i, First)});
}

void lower_ballot_count(Lowerer& l, const Instruction& i) {
  emit_group(l, i, {.run = ballot_count, .operation = l.arg(i, 1)}, 4, {l.operand(i, 2)});
}

void lower_rotate(Lowerer& l, const Instruction& i) {
  const auto cluster =
      i.args.size() > 3 ? static_cast<std::uint32_t>(l.constant_bits(l.arg(i, 3))) : 0;
  if ((cluster & (cluster - 1)) != 0)
    return l.deny(SOKR_INVALID_IR, fmt::format("OpGroupNonUniformRotateKHR at word {}: cluster "
                                               "size {} is no power of two",
                                               i.word, cluster));
  emit_group(l, i, {.run = rotate, .cluster = cluster}, l.slots(i.type),
             {l.operand(i, 1), l.operand(i, 2)});
}

void lower_quad_swap(Lowerer& l, const Instruction& i) {
  const auto direction = static_cast<std::uint32_t>(l.constant_bits(l.arg(i, 2)));
  emit_group(l, i, {.run = quad_swap, .operation = direction}, l.slots(i.type), {l.operand(i, 1)});
}

template <class F>
GroupHandler integer_handler(std::uint32_t width) {
  switch (width) {
    case 8:
      return combine<std::uint8_t, F>;
    case 16:
      return combine<std::uint16_t, F>;
    case 32:
      return combine<std::uint32_t, F>;
    case 64:
      return combine<std::uint64_t, F>;
    default:
      return nullptr;
  }
}
template <class F>
GroupHandler float_handler(std::uint32_t width, bool half_toward_zero) {
  switch (width) {
    case 16:
      return half_toward_zero ? combine<HalfTowardZero, F> : combine<Half, F>;
    case 32:
      return combine<float, F>;
    case 64:
      return combine<double, F>;
    default:
      return nullptr;
  }
}

void lower_combine(Lowerer& l, const Instruction& i, GroupHandler handler) {
  const auto kind = static_cast<spv::GroupOperation>(l.arg(i, 1));
  std::uint32_t cluster = 0;
  if (kind == spv::GroupOperation::ClusteredReduce) {
    cluster = static_cast<std::uint32_t>(l.constant_bits(l.arg(i, 3)));
    if (cluster == 0 || (cluster & (cluster - 1)) != 0)
      return l.deny(SOKR_INVALID_IR,
                    fmt::format("{} at word {}: cluster size {} is no power of two",
                                spirv::op_name(i.op), i.word, cluster));
  } else if (l.arg(i, 1) > 2) {
    return l.deny(SOKR_CAPABILITY_DENIED,
                  fmt::format("the reference interpreter does not run {} with group operation {} "
                              "(word {})",
                              spirv::op_name(i.op), l.arg(i, 1), i.word));
  }
  emit_group(l, i, {.run = handler, .operation = l.arg(i, 1), .cluster = cluster},
             l.components(i.type), {l.operand(i, 2)});
}
template <class F>
void lower_integer_combine(Lowerer& l, const Instruction& i) {
  lower_combine(l, i, integer_handler<F>(l.scalar(i.type).width));
}
template <class F>
void lower_float_combine(Lowerer& l, const Instruction& i) {
  lower_combine(l, i, float_handler<F>(l.scalar(i.type).width, l.rounds_half_to_zero()));
}
template <class F>
void lower_logical_combine(Lowerer& l, const Instruction& i) {
  lower_combine(l, i, combine<std::uint8_t, F>);
}

constexpr OpRow kRows[] = {
    {spv::Op::OpGroupNonUniformElect, lower_group<elect, 0>},
    {spv::Op::OpGroupNonUniformAll, lower_group<vote_all, 1>},
    {spv::Op::OpGroupNonUniformAny, lower_group<vote_any, 1>},
    {spv::Op::OpGroupNonUniformAllEqual, lower_vote_equal<1>},
    {spv::Op::OpGroupNonUniformBroadcast, lower_group<shuffle_to, 2>},
    {spv::Op::OpGroupNonUniformBroadcastFirst, lower_group<broadcast_first, 1>},
    {spv::Op::OpGroupNonUniformBallot, lower_group<ballot, 1>},
    {spv::Op::OpGroupNonUniformInverseBallot, lower_group<inverse_ballot, 1>},
    {spv::Op::OpGroupNonUniformBallotBitExtract, lower_group<ballot_bit, 2>},
    {spv::Op::OpGroupNonUniformBallotBitCount, lower_ballot_count},
    {spv::Op::OpGroupNonUniformBallotFindLSB, lower_group<ballot_lowest, 1>},
    {spv::Op::OpGroupNonUniformBallotFindMSB, lower_group<ballot_highest, 1>},
    {spv::Op::OpGroupNonUniformShuffle, lower_group<shuffle_to, 2>},
    {spv::Op::OpGroupNonUniformShuffleXor, lower_group<shuffle_xor, 2>},
    {spv::Op::OpGroupNonUniformShuffleUp, lower_group<shuffle_up, 2>},
    {spv::Op::OpGroupNonUniformShuffleDown, lower_group<shuffle_down, 2>},
    {spv::Op::OpGroupNonUniformRotateKHR, lower_rotate},
    {spv::Op::OpGroupNonUniformIAdd, lower_integer_combine<Add>},
    {spv::Op::OpGroupNonUniformFAdd, lower_float_combine<Add>},
    {spv::Op::OpGroupNonUniformIMul, lower_integer_combine<Multiply>},
    {spv::Op::OpGroupNonUniformFMul, lower_float_combine<Multiply>},
    {spv::Op::OpGroupNonUniformSMin, lower_integer_combine<SMin>},
    {spv::Op::OpGroupNonUniformUMin, lower_integer_combine<UMin>},
    {spv::Op::OpGroupNonUniformFMin, lower_float_combine<FloatMin>},
    {spv::Op::OpGroupNonUniformSMax, lower_integer_combine<SMax>},
    {spv::Op::OpGroupNonUniformUMax, lower_integer_combine<UMax>},
    {spv::Op::OpGroupNonUniformFMax, lower_float_combine<FloatMax>},
    {spv::Op::OpGroupNonUniformBitwiseAnd, lower_integer_combine<And>},
    {spv::Op::OpGroupNonUniformBitwiseOr, lower_integer_combine<Or>},
    {spv::Op::OpGroupNonUniformBitwiseXor, lower_integer_combine<Xor>},
    {spv::Op::OpGroupNonUniformLogicalAnd, lower_logical_combine<LogicalAnd>},
    {spv::Op::OpGroupNonUniformLogicalOr, lower_logical_combine<Or>},
    {spv::Op::OpGroupNonUniformLogicalXor, lower_logical_combine<Xor>},
    {spv::Op::OpGroupNonUniformQuadBroadcast, lower_group<quad_broadcast, 2>},
    {spv::Op::OpGroupNonUniformQuadSwap, lower_quad_swap},
    {spv::Op::OpSubgroupBallotKHR, lower_group<ballot, 1, 0>},
    {spv::Op::OpSubgroupFirstInvocationKHR, lower_group<broadcast_first, 1, 0>},
    {spv::Op::OpSubgroupReadInvocationKHR, lower_group<shuffle_to, 2, 0>},
    {spv::Op::OpSubgroupAllKHR, lower_group<vote_all, 1, 0>},
    {spv::Op::OpSubgroupAnyKHR, lower_group<vote_any, 1, 0>},
    {spv::Op::OpSubgroupAllEqualKHR, lower_vote_equal<0>},
};

}  // namespace

std::span<const OpRow> subgroup_rows() {
  return kRows;
}

bool is_subgroup_operation(spv::Op op) {
  return std::any_of(std::begin(kRows), std::end(kRows),
                     [&](const OpRow& row) { return row.op == op; });
}

}  // namespace sokr::reference
