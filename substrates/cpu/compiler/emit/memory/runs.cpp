// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Lanes that turn out to lie side by side. An index that is computed from the invocation's number
// by numbers that only the launch knows (strides, sizes, borders) differs freely as far as shapes
// tell, and yet hardly ever: the rows of an image and of a tensor are long. One test asks whether
// the lanes' indices are consecutive; then they are one row. Where a row ends inside of a register,
// or is clamped at its border, they are two rows: the one that the first lane is in, and the one
// that the last lane is in. What is neither is gathered.
//
// Lanes that exchange places (an index with an exclusive or in it, as in sorting networks and
// butterflies) are in one row, but in another order: the row, and a permutation within registers.
// The same where the order is a table of constants, for elements that table_rows does not take:
// those of several components, and narrow ones. Components come together and are then put in order.
//
// Costs for 16 lanes on Zen 4, in ns: a gather 5.8, a scatter 6.8, this test 0.6, a row 0.4, two
// rows 1.2. So the test pays where one in ten is a row. Where rows of a constant length make it
// less likely (kLeastChance), it is left out, and two rows are tried at once.
//
// Where the launch chooses by how much lanes differ (the stride of a convolution), that is 2 as
// often as not: every second element of a row is asked for behind the row itself.
#include "compiler/emit/memory/runs.hpp"

#include <algorithm>

#include "compiler/codegen/llvm_versions.hpp"

namespace sokr::cpu {

using llvm::Align;

namespace {

constexpr std::int64_t kMostTableRows = 2;
constexpr std::int64_t kMostLineStep = 4;       // elements from lane to lane, of one wide load
constexpr std::int64_t kFarLineStep = 1 << 16;  // of a load for each lane, beside one base
constexpr int kMostStepsToExclusive = 8;        // to an exclusive or
constexpr int kMostStepsToComputed = 256;       // to what an index is computed from
constexpr unsigned kMostTwoRows = 16;  // chunks for which two rows are written out, for their size
// That all chunks are rows, for a test of it: before two rows, and before gathers.
constexpr double kLeastChance = 0.25, kLeastChanceOfGathers = 0.1;
constexpr int kMostStepsToProduct = 6;  // with a number that only the launch knows

llvm::Constant* lane_steps(llvm::Type* scalar, unsigned width, std::int64_t step) {
  llvm::SmallVector<llvm::Constant*, 16> steps;
  for (unsigned l = 0; l < width; ++l)
    steps.push_back(llvm::ConstantInt::get(scalar, static_cast<std::uint64_t>(step * l), true));
  return llvm::ConstantVector::get(steps);
}

// Rows from the least of the numbers to the largest.
std::int64_t rows_of(llvm::ArrayRef<std::int64_t> numbers) {
  const auto [low, high] = std::minmax_element(numbers.begin(), numbers.end());
  return (*high - *low) / static_cast<std::int64_t>(numbers.size()) + 1;
}

bool is_permutation(llvm::ArrayRef<std::int64_t> numbers) {
  for (std::size_t i = 0; i < numbers.size(); ++i)
    for (std::size_t k = 0; k < i; ++k)
      if (numbers[i] == numbers[k]) return false;
  return true;
}

// Operations of which consecutive numbers may come where the operands are such or the same for all.
bool keeps_order(spv::Op op) {
  switch (op) {
    case spv::Op::OpIAdd:
    case spv::Op::OpISub:
    case spv::Op::OpIMul:
    case spv::Op::OpUDiv:
    case spv::Op::OpSDiv:
    case spv::Op::OpUMod:
    case spv::Op::OpSRem:
    case spv::Op::OpSMod:
    case spv::Op::OpShiftLeftLogical:
    case spv::Op::OpShiftRightLogical:
    case spv::Op::OpShiftRightArithmetic:
    case spv::Op::OpBitwiseAnd:
    case spv::Op::OpBitwiseOr:
    case spv::Op::OpBitwiseXor:
    case spv::Op::OpSelect:
    case spv::Op::OpBitcast:
    case spv::Op::OpUConvert:
    case spv::Op::OpSConvert:
    case spv::Op::OpCopyObject:
    case spv::Op::OpExtInst:
    case spv::Op::OpCompositeExtract:
    case spv::Op::OpCompositeConstruct:
    case spv::Op::OpVectorShuffle:
      return true;
    default:
      return false;
  }
}

}  // namespace

// Does the number follow from the invocation's own one and from what is the same for all lanes, in
// a way that may leave neighbours neighbours? Data that each lane reads for itself are no such
// thing. Only what is worth a test depends on this.
bool RunAccesses::is_computed(Id id, int depth) {
  if (id < bound_) return true;
  if (depth > kMostStepsToComputed) return false;
  auto [it, fresh] = computed_.try_emplace(id, true);  // true: a value that depends on itself
  if (!fresh) return it->second;
  const Shapes& shapes = a_.values[id - bound_];
  const bool steady = std::ranges::all_of(shapes, [](const Shape& s) { return s.affine; });
  bool good = steady || values_.is_rematerialised(id);
  if (const Phi* phi = p_.phi(id); phi && !good)
    good = std::ranges::all_of(
        phi->incoming, [&](const Incoming& in) { return is_computed(in.value, depth + 1); });
  const Inst* inst = p_.inst(id);
  if (inst && !good) {
    const spirv::Variable* builtin =
        inst->op == spv::Op::OpLoad ? p_.module->variable(root_of(p_, inst->args[0])) : nullptr;
    good = builtin && builtin->builtin;
    if (!good && keeps_order(inst->op)) {
      good = true;
      for (std::size_t i = inst->op == spv::Op::OpSelect ? 1 : 0; i < inst->args.size(); ++i)
        if (operand_is_value(inst->op, i, inst->args))
          good = good && is_computed(inst->args[i], depth + 1);
    }
  }
  return computed_[id] = good;
}

// How may the lanes turn out to lie? Nothing where they may not be in rows.
std::optional<RunAccesses::Order> RunAccesses::order_of(const Address& address,
                                                        const std::vector<PlacedLeaf>& leaves,
                                                        bool is_store) {
  if (!address.scale || address.index.s.affine || !address.offset.s.affine ||
      address.offset.s.ls != 0 || address.is_volatile || !address.limit ||
      (address.space != Space::kBuffer && address.space != Space::kWorkgroup) ||
      elements_apart(*p_.module, address.scale, leaves) == 0)
    return std::nullopt;
  if (const Table* table = address.index.s.table) {
    if (!b_.has(Part::kTableRows)) return std::nullopt;
    const Offsets numbers(table->begin(), table->begin() + g_.width);
    const std::int64_t rows = rows_of(numbers);
    if (is_store ? rows != 1 || !is_permutation(numbers) : rows > kMostTableRows)
      return std::nullopt;
    return Order::kTable;
  }
  if (!b_.has(Part::kRuns) || !address.lanes || !is_computed(address.lanes, 0)) return std::nullopt;
  const bool permutes = t_.permutes && g_.width == t_.lanes;
  if (permutes && scalar_size(*p_.module, leaves[0].type) == 4 && is_exchange(address.lanes, 0))
    return Order::kExchange;
  return Order::kFollow;
}

// Do lanes exchange places?
bool RunAccesses::is_exchange(Id id, int depth) const {
  const Inst* inst = depth < kMostStepsToExclusive ? p_.inst(id) : nullptr;
  if (!inst || values_.shape_known(id).affine) return false;
  switch (inst->op) {
    case spv::Op::OpBitwiseXor:
      return true;
    case spv::Op::OpIAdd:
    case spv::Op::OpISub:
      return is_exchange(inst->args[0], depth + 1) || is_exchange(inst->args[1], depth + 1);
    case spv::Op::OpBitcast:
    case spv::Op::OpCopyObject:
      return is_exchange(inst->args[0], depth + 1);
    default:
      return false;
  }
}

// The same by scalars alone, where the index is a line in each chunk. Lanes that all have one
// number, or even steps, count as well.
std::optional<RunAccesses::Runs> RunAccesses::find_lines(const Address& address, unsigned count) {
  Runs runs;
  std::optional<std::int64_t> step;
  const bool skips = has_launch_stride(address.lanes, 0);
  for (unsigned c = 0; c < count; ++c) {
    const auto line = line_of(address.lanes, c);
    if (!line) return std::nullopt;
    auto* known = llvm::dyn_cast<llvm::ConstantInt>(line->step);
    const std::int64_t own = known ? known->getSExtValue() : 1;
    if (own < 0 || own > kFarLineStep || (step && *step != own)) return std::nullopt;
    step = own;
    runs.first.push_back(line->first);
    runs.chance *= line->chance;
    LlvmValue* good = line->holds ? line->holds : b_.getTrue();
    if (!known && skips) {
      LlvmValue* two = b_.CreateAnd(good, b_.CreateICmpEQ(line->step, b_.getInt32(2)));
      runs.skip = runs.skip ? b_.CreateAnd(runs.skip, two) : two;
    }
    if (!known) good = b_.CreateAnd(good, b_.CreateICmpEQ(line->step, b_.getInt32(1)));
    runs.follow = runs.follow ? b_.CreateAnd(runs.follow, good) : good;
  }
  runs.step = *step;
  runs.may_break = runs.step == 1;
  return runs;
}

// The number of the first lane of each chunk, and whether those of the others follow it. What is
// the same for all lanes is left out of the test: so one serves all taps of a stencil, and loops
// around the access.
RunAccesses::Runs RunAccesses::find_runs(const Address& address) {
  Runs runs;
  const unsigned count =
      address.index.s.chunk || address.offset.s.varies_by_chunk() ? g_.chunks : 1;
  if (auto lines = find_lines(address, count)) return *lines;
  LlvmType* i32 = b_.getInt32Ty();
  Id root = address.lanes;
  std::int64_t step = 1;  // of the root, for the sum to be consecutive
  LlvmValues rest(count, llvm::ConstantInt::get(i32, 0));
  const auto here = [&](Id id) -> const Inst* {
    const Definition* made = p_.definition(id);
    return made && made->block == at_.block ? p_.inst(id) : nullptr;
  };
  while (const Inst* sum = here(root)) {
    if (sum->op == spv::Op::OpCopyObject || sum->op == spv::Op::OpBitcast) {
      root = sum->args[0];
      continue;
    }
    if (sum->op != spv::Op::OpIAdd && sum->op != spv::Op::OpISub) break;
    const bool first = !values_.shape_known(sum->args[0]).affine;
    if ((!first && sum->op == spv::Op::OpISub) ||
        !values_.shape_known(sum->args[first ? 1 : 0]).affine)
      break;
    const Val by = values_.get(sum->args[first ? 1 : 0])[0];
    if (!by.s.affine || by.v[0]->getType() != i32) break;
    const bool minus = sum->op == spv::Op::OpISub;
    step += minus ? by.s.ls : -by.s.ls;
    for (unsigned c = 0; c < count; ++c)
      rest[c] = minus ? b_.CreateSub(rest[c], b_.base_of(by, c))
                      : b_.CreateAdd(rest[c], b_.base_of(by, c));
    root = sum->args[first ? 0 : 1];
  }
  runs.may_break = true;
  const Val numbers = values_.get(root)[0];
  const bool skips = has_launch_stride(root, 0);
  for (unsigned c = 0; c < count; ++c) {
    LlvmValue* vector = b_.vector_of(numbers, c);
    LlvmValue* zero = b_.CreateExtractElement(vector, std::uint64_t{0});
    const auto grow_by = [&](std::int64_t by, LlvmValue* before) {
      LlvmValue* same = b_.CreateICmpEQ(vector, b_.CreateAdd(b_.CreateVectorSplat(g_.width, zero),
                                                             lane_steps(i32, g_.width, by)));
      LlvmValue* bits = b_.mask_bits(same);
      LlvmValue* one = b_.CreateICmpEQ(bits, llvm::Constant::getAllOnesValue(bits->getType()));
      return before ? b_.CreateAnd(before, one) : one;
    };
    runs.follow = grow_by(step, runs.follow);
    if (skips) runs.skip = grow_by(step + 1, runs.skip);
    runs.first.push_back(b_.CreateAdd(zero, rest[c]));
  }
  return runs;
}

// Is the number a lane's own one times something that only the launch knows? Of places in arrays
// whose rows have such strides as well, which quotients lead to, hardly any has a step of 2: asking
// took permute_4d a tenth longer.
bool RunAccesses::has_launch_stride(Id id, int depth) const {
  const Inst* inst = depth < kMostStepsToProduct ? p_.inst(id) : nullptr;
  if (!inst || values_.shape_known(id).affine) return false;
  switch (inst->op) {
    case spv::Op::OpIMul: {
      const Shape x = values_.shape_known(inst->args[0]), y = values_.shape_known(inst->args[1]);
      return x.affine && y.affine && (x.ls == 0 || y.ls == 0);
    }
    case spv::Op::OpIAdd:
    case spv::Op::OpISub:
      return has_launch_stride(inst->args[0], depth + 1) ||
             has_launch_stride(inst->args[1], depth + 1);
    case spv::Op::OpBitcast:
    case spv::Op::OpCopyObject:
      return has_launch_stride(inst->args[0], depth + 1);
    default:
      return false;
  }
}

// The address of rows that begin where the first lanes are.
Address RunAccesses::row_address(const Address& address, const Runs& runs) {
  Address row = address;
  row.scale = 0;
  row.lanes = 0;
  row.index = {};
  row.parts = row.even = row.counted = false;
  row.step = row.unwrapped = nullptr;
  row.reach.reset();
  row.offset.s = Shape::uniform();
  row.offset.s.ls = runs.step * address.scale;
  row.offset.s.chunk = runs.first.size() > 1;
  row.offset.v.clear();
  for (unsigned c = 0; c < runs.first.size(); ++c)
    row.offset.v.push_back(
        b_.CreateAdd(b_.base_of(address.offset, c),
                     b_.CreateMul(b_.CreateSExt(runs.first[c], b_.getInt64Ty()),
                                  b_.getInt64(static_cast<std::uint64_t>(address.scale)))));
  return row;
}

// Lanes of a chunk in the row of the first lane and in that of the last one, and whether there are
// no others of those that matter.
RunAccesses::TwoRows RunAccesses::find_two_rows(const Address& address, unsigned chunk,
                                                std::int64_t offset, unsigned size) {
  TwoRows rows;
  LlvmValue* index = b_.vector_of(address.index, chunk);
  LlvmType* i32 = b_.getInt32Ty();
  llvm::Constant* steps = lane_steps(i32, g_.width, 1);
  rows.inside = places_.lane_in_bounds(address, chunk, offset, offset + size);
  LlvmValue* starts = b_.CreateSub(index, steps);
  LlvmValue* start[2];
  for (unsigned i : {0u, 1u}) {
    start[i] = b_.CreateExtractElement(starts, std::uint64_t{i == 0 ? 0 : g_.width - 1});
    rows.who[i] = b_.CreateAnd(b_.CreateICmpEQ(starts, b_.CreateVectorSplat(g_.width, start[i])),
                               rows.inside);
    LlvmValue* at =
        b_.CreateAdd(b_.CreateMul(b_.CreateSExt(start[i], b_.getInt64Ty()),
                                  b_.getInt64(static_cast<std::uint64_t>(address.scale))),
                     b_.CreateAdd(b_.base_of(address.offset, chunk),
                                  b_.getInt64(static_cast<std::uint64_t>(offset))));
    rows.pointer[i] = b_.CreateGEP(b_.getInt8Ty(), address.base, at);
  }
  rows.who[1] = b_.CreateAnd(rows.who[1], b_.CreateNot(rows.who[0]));
  LlvmValue* others =
      b_.CreateAnd(rows.inside, b_.CreateNot(b_.CreateOr(rows.who[0], rows.who[1])));
  if (!b_.is_full(at_.mask)) others = b_.CreateAnd(others, b_.mask_vector(chunk));
  LlvmValue* bits = b_.mask_bits(others);
  rows.whole = b_.CreateICmpEQ(bits, llvm::Constant::getNullValue(bits->getType()));
  return rows;
}

// Are two rows worth their code?
bool RunAccesses::has_two_rows(const Address& address, const std::vector<PlacedLeaf>& leaves,
                               unsigned count) const {
  return leaves.size() == 1 && count <= kMostTwoRows && at_.divergent == 0 && t_.wide_masks &&
         address.scale == scalar_size(*p_.module, leaves[0].type);
}

// Are rows of all lanes so rare that they are not worth a test?
bool RunAccesses::is_unlikely(const Address& address, const std::vector<PlacedLeaf>& leaves,
                              const Runs& runs) const {
  const bool two = has_two_rows(address, leaves, static_cast<unsigned>(runs.first.size()));
  return runs.may_break && runs.chance < (two ? kLeastChance : kLeastChanceOfGathers);
}

// The rows that lanes which exchange places are in, as their first numbers, and where in it each
// is.
RunAccesses::Runs RunAccesses::find_exchange(const Address& address, LlvmValues& places,
                                             bool both_ways) {
  Runs runs;
  LlvmType* words = b_.wide(b_.getInt32Ty());
  const unsigned count =
      address.index.s.chunk || address.offset.s.varies_by_chunk() ? g_.chunks : 1;
  for (unsigned c = 0; c < count; ++c) {
    LlvmValue* index = b_.vector_of(address.index, c);
    LlvmValue* start = b_.CreateAnd(b_.CreateExtractElement(index, std::uint64_t{0}),
                                    b_.getInt32(~(g_.width - 1)));
    LlvmValue* place = b_.CreateSub(index, b_.CreateVectorSplat(g_.width, start));
    LlvmValue* one = b_.CreateICmpULT(place, b_.integer_like(words, g_.width));
    // A store needs to know who comes to each place: where lanes change places in pairs, that is
    // the same.
    if (both_ways)
      one = b_.CreateAnd(one, b_.CreateICmpEQ(b_.permuted(place, place),
                                              lane_steps(b_.getInt32Ty(), g_.width, 1)));
    LlvmValue* bits = b_.mask_bits(one);
    one = b_.CreateICmpEQ(bits, llvm::Constant::getAllOnesValue(bits->getType()));
    runs.follow = runs.follow ? b_.CreateAnd(runs.follow, one) : one;
    runs.first.push_back(start);
    places.push_back(place);
  }
  return runs;
}

// Lanes in a constant order beside a base that each chunk has: `numbers` are those of the lanes
// from the first of the rows on.
RunAccesses::Runs RunAccesses::find_table_rows(const Address& address, Offsets& numbers) {
  Runs runs;
  runs.follow = b_.getTrue();
  const Table& table = *address.index.s.table;
  const std::int32_t low = *std::min_element(table.begin(), table.begin() + g_.width);
  for (unsigned l = 0; l < g_.width; ++l) numbers.push_back(table[l] - low);
  const unsigned count =
      address.index.s.chunk || address.offset.s.varies_by_chunk() ? g_.chunks : 1;
  for (unsigned c = 0; c < count; ++c)
    runs.first.push_back(
        b_.CreateAdd(b_.CreateExtractElement(b_.vector_of(address.index, c), std::uint64_t{0}),
                     b_.getInt32(static_cast<std::uint32_t>(low - table[0]))));
  return runs;
}

namespace {

const char* note_of(bool is_store, int order) {
  static constexpr const char* kNotes[2][3] = {
      {"load rows where lanes follow one another", "load rows where lanes exchange places",
       "load rows of a table"},
      {"store rows where lanes follow one another", "store rows where lanes exchange places",
       "store rows of a table"}};
  return kNotes[is_store ? 1 : 0][order];
}

}  // namespace

Leaves RunAccesses::load_runs(const Address& address, const std::vector<PlacedLeaf>& leaves,
                              Order order) {
  LlvmValues places;
  Offsets numbers;
  Runs runs = order == Order::kTable      ? find_table_rows(address, numbers)
              : order == Order::kExchange ? find_exchange(address, places, false)
                                          : find_runs(address);
  if (leaves.size() != 1 || at_.divergent != 0 || !b_.has(Part::kLaunchStrides))
    runs.skip = nullptr;
  if (is_unlikely(address, leaves, runs)) return load_slow(address, leaves, runs);
  places_.note(note_of(false, static_cast<int>(order)), address, leaves);
  return load_tested(address, leaves, runs, order, places, numbers);
}

Leaves RunAccesses::load_tested(const Address& address, const std::vector<PlacedLeaf>& leaves,
                                const Runs& runs, Order order, const LlvmValues& places,
                                const Offsets& numbers) {
  Address row = row_address(address, runs);
  const Extent e = extent_of(*p_.module, leaves);
  const std::int64_t rows = order == Order::kTable ? rows_of(numbers) : 1,
                     row_bytes = g_.width * address.scale;
  LlvmValue* inside = places_.range_in_bounds(
      row, e.low, std::max(e.high, e.low + row.offset.s.ls) + (rows - 1) * row_bytes);
  BasicBlock* fast = BasicBlock::Create(cx_, "rows", at_.function);
  BasicBlock* slow = BasicBlock::Create(cx_, "apart", at_.function);
  BasicBlock* done = BasicBlock::Create(cx_, "read", at_.function);
  b_.CreateCondBr(b_.CreateAnd(runs.follow, inside), fast, slow, likely_weights(cx_));
  b_.SetInsertPoint(fast);
  row.limit = nullptr;
  // Whose element it is follows from the order: all of the row is read.
  const Val mask = at_.mask;
  at_.mask = b_.constant_val(b_.getTrue());
  Leaves out =
      runs.step == 0 ? scalars_.load_uniform(row, leaves) : strides_.load_affine(row, leaves);
  for (auto& leaf : out) {
    if (!leaf.s.affine) continue;
    for (unsigned c = 0; c < leaf.v.size(); ++c)
      leaf.v[c] = b_.CreateVectorSplat(g_.width, leaf.v[c]);
    leaf.s = Shape::varying(leaf.v.size() > 1);
  }
  if (order == Order::kExchange)
    for (auto& leaf : out)
      for (unsigned c = 0; c < leaf.v.size(); ++c)
        leaf.v[c] = b_.permuted(leaf.v[c], places[places.size() > 1 ? c : 0]);
  if (order == Order::kTable) {
    Leaves second;
    if (rows > 1) {
      for (auto& v : row.offset.v)
        v = b_.CreateAdd(v, b_.getInt64(static_cast<std::uint64_t>(row_bytes)));
      second = strides_.load_affine(row, leaves);
    }
    const llvm::SmallVector<int, 16> pick(numbers.begin(), numbers.end());
    for (std::size_t i = 0; i < out.size(); ++i)
      for (unsigned c = 0; c < out[i].v.size(); ++c)
        out[i].v[c] = b_.CreateShuffleVector(out[i].v[c],
                                             second.empty() ? out[i].v[c] : second[i].v[c], pick);
  }
  at_.mask = mask;
  BasicBlock* fast_end = b_.GetInsertBlock();
  b_.CreateBr(done);
  b_.SetInsertPoint(slow);
  const Leaves others = load_slow(address, leaves, runs);
  LlvmValues from_slow;
  for (std::size_t i = 0; i < out.size(); ++i)
    for (unsigned c = 0; c < out[i].v.size(); ++c) from_slow.push_back(b_.vector_of(others[i], c));
  BasicBlock* slow_end = b_.GetInsertBlock();
  b_.CreateBr(done);
  b_.SetInsertPoint(done);
  auto other = from_slow.begin();
  for (auto& leaf : out)
    for (auto& value : leaf.v) {
      auto* phi = b_.CreatePHI(value->getType(), 2);
      phi->addIncoming(value, fast_end);
      phi->addIncoming(*other++, slow_end);
      value = phi;
    }
  return out;
}

// Lanes that do not follow one another.
Leaves RunAccesses::load_slow(const Address& address, const std::vector<PlacedLeaf>& leaves,
                              const Runs& runs) {
  if (runs.skip) {
    Runs second = runs;
    second.follow = runs.skip;
    second.skip = nullptr;
    second.step = 2;
    places_.note("or every second element of a row");
    return load_tested(address, leaves, second, Order::kFollow, {}, {});
  }
  // A known distance is missed where numbers go round, and so hardly ever.
  const bool far = runs.step > kMostLineStep;
  at_.robust += far ? 1 : 0;
  Leaves out =
      far ? lanes_.load_gather(address, leaves)
      : runs.may_break && has_two_rows(address, leaves, static_cast<unsigned>(runs.first.size()))
          ? load_two_rows(address, leaves[0])
          : elements_.load_apart(address, leaves);
  at_.robust -= far ? 1 : 0;
  return out;
}

Leaves RunAccesses::load_two_rows(const Address& address, const PlacedLeaf& leaf) {
  places_.note("load two rows", address, {leaf});
  const unsigned count =
      address.index.s.chunk || address.offset.s.varies_by_chunk() ? g_.chunks : 1;
  const unsigned size = scalar_size(*p_.module, leaf.type), align = std::min(size, 4u);
  LlvmType* type = b_.wide(places_.memory_type(leaf.type));
  Address plain = address;
  plain.invariant = false;
  const bool asks = strides_.asks_behind_rows(address);
  if (asks) places_.note("asks for what is behind the rows");
  Leaves out(1);
  out[0].s = Shape::varying(count > 1);
  for (unsigned c = 0; c < count; ++c) {
    const TwoRows rows = find_two_rows(address, c, static_cast<std::int64_t>(leaf.offset), size);
    BasicBlock* two = BasicBlock::Create(cx_, "two_rows", at_.function);
    BasicBlock* apart = BasicBlock::Create(cx_, "gathered", at_.function);
    BasicBlock* done = BasicBlock::Create(cx_, "read", at_.function);
    b_.CreateCondBr(rows.whole, two, apart, likely_weights(cx_));
    b_.SetInsertPoint(two);
    for (LlvmValue* row : rows.pointer)
      if (asks) strides_.ask_behind_row(row);
    LlvmValue* value = llvm::Constant::getNullValue(type);
    for (unsigned i : {0u, 1u})
      value = places_.annotate(
          b_.CreateMaskedLoad(type, rows.pointer[i], Align(align), rows.who[i], value), plain);
    b_.CreateBr(done);
    b_.SetInsertPoint(apart);
    LlvmValue* gathered = nullptr;
    const auto offset = static_cast<std::int64_t>(leaf.offset);
    if (lanes_.has_gather(size) || lanes_.is_written_out(1))
      gathered = lanes_.load_each(address, places_.lane_pointers(address, c, offset),
                                  type->getScalarType(), rows.inside);
    else
      gathered = lanes_.call_lanes(address, c, offset, type->getScalarType(), nullptr, nullptr);
    BasicBlock* apart_end = b_.GetInsertBlock();
    b_.CreateBr(done);
    b_.SetInsertPoint(done);
    auto* phi = b_.CreatePHI(type, 2);
    phi->addIncoming(value, two);
    phi->addIncoming(gathered, apart_end);
    out[0].v.push_back(places_.from_memory(phi, leaf.type));
  }
  return out;
}

void RunAccesses::store_runs(const Address& address, const std::vector<PlacedLeaf>& leaves,
                             const Leaves& value, Order order) {
  LlvmValues places;
  Offsets numbers;
  Runs runs = order == Order::kTable      ? find_table_rows(address, numbers)
              : order == Order::kExchange ? find_exchange(address, places, true)
                                          : find_runs(address);
  if (runs.step == 0 || runs.step > kMostLineStep)
    return lanes_.store_scatter(address, leaves, value);
  // Every chunk is written.
  while (runs.first.size() < g_.chunks) runs.first.push_back(runs.first[0]);
  if (is_unlikely(address, leaves, runs)) return store_slow(address, leaves, value, runs);
  places_.note(note_of(true, static_cast<int>(order)), address, leaves);
  Address row = row_address(address, runs);
  const Extent e = extent_of(*p_.module, leaves);
  LlvmValue* good = b_.CreateAnd(
      runs.follow, places_.range_in_bounds(row, e.low, std::max(e.high, e.low + row.offset.s.ls)));
  const Val mask = at_.mask;
  if (!b_.is_full(mask) && order == Order::kFollow) good = b_.CreateAnd(good, b_.all(mask));
  BasicBlock* fast = BasicBlock::Create(cx_, "rows", at_.function);
  BasicBlock* slow = BasicBlock::Create(cx_, "apart", at_.function);
  BasicBlock* done = BasicBlock::Create(cx_, "written", at_.function);
  b_.CreateCondBr(good, fast, slow, likely_weights(cx_));
  b_.SetInsertPoint(fast);
  row.limit = nullptr;
  Leaves moved = value;
  llvm::SmallVector<int, 16> comes(g_.width);  // who comes to each place
  if (order == Order::kTable)
    for (unsigned l = 0; l < g_.width; ++l)
      comes[static_cast<std::size_t>(numbers[l])] = static_cast<int>(l);
  const auto to_places = [&](const Val& v) {
    Val out;
    out.s = Shape::varying();
    for (unsigned c = 0; c < g_.chunks; ++c) {
      LlvmValue* vector = b_.vector_of(v, c);
      out.v.push_back(order == Order::kTable
                          ? b_.CreateShuffleVector(vector, comes)
                          : b_.permuted(vector, places[places.size() > 1 ? c : 0]));
    }
    return out;
  };
  if (order == Order::kFollow) {
    at_.mask = b_.constant_val(b_.getTrue());
  } else {
    for (Val& leaf : moved) leaf = to_places(leaf);
    if (!b_.is_full(mask)) at_.mask = to_places(mask);
  }
  strides_.store_affine(row, leaves, moved);
  at_.mask = mask;
  b_.CreateBr(done);
  b_.SetInsertPoint(slow);
  store_slow(address, leaves, value, runs);
  b_.CreateBr(done);
  b_.SetInsertPoint(done);
}

void RunAccesses::store_slow(const Address& address, const std::vector<PlacedLeaf>& leaves,
                             const Leaves& value, const Runs& runs) {
  if (runs.may_break && has_two_rows(address, leaves, g_.chunks))
    store_two_rows(address, leaves[0], value[0]);
  else
    lanes_.store_scatter(address, leaves, value);
}

void RunAccesses::store_two_rows(const Address& address, const PlacedLeaf& leaf, const Val& value) {
  places_.note("store two rows", address, {leaf});
  const unsigned size = scalar_size(*p_.module, leaf.type), align = std::min(size, 4u);
  const auto offset = static_cast<std::int64_t>(leaf.offset);
  for (unsigned c = 0; c < g_.chunks; ++c) {
    const TwoRows rows = find_two_rows(address, c, offset, size);
    LlvmValue* v = places_.to_memory(b_.vector_of(value, c));
    BasicBlock* two = BasicBlock::Create(cx_, "two_rows", at_.function);
    BasicBlock* apart = BasicBlock::Create(cx_, "scattered", at_.function);
    BasicBlock* done = BasicBlock::Create(cx_, "written", at_.function);
    b_.CreateCondBr(rows.whole, two, apart, likely_weights(cx_));
    b_.SetInsertPoint(two);
    for (unsigned i : {0u, 1u}) {
      LlvmValue* who = rows.who[i];
      if (!b_.is_full(at_.mask)) who = b_.CreateAnd(who, b_.mask_vector(c));
      places_.annotate(b_.CreateMaskedStore(v, rows.pointer[i], Align(align), who), address);
    }
    b_.CreateBr(done);
    b_.SetInsertPoint(apart);
    if (lanes_.has_scatter(size) || lanes_.is_written_out(1))
      lanes_.store_each(address, places_.lane_pointers(address, c, offset), v,
                        b_.CreateAnd(rows.inside, b_.mask_vector(c)));
    else
      lanes_.call_lanes(address, c, offset, v->getType()->getScalarType(), b_.mask_vector(c), v);
    b_.CreateBr(done);
    b_.SetInsertPoint(done);
  }
}

}  // namespace sokr::cpu
