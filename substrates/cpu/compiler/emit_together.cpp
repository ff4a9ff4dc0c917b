// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Elements that lie side by side in each lane and that a block touches one by one (neighbours.hpp):
// one access of several components, in Workgroup memory where all are known to be in range, and in
// buffers.
// Elements of several components at constant distances from a common base are stored lane by lane,
// those of one where lanes that follow one another make it few stores (the columns of a tile).
//
// Costs on Zen 4, in instructions for 16 lanes of 8 places, for each element: 11 alone (loads and
// insertions), 3 of four together. Stores likewise: 21 where rows are read, mixed and written back,
// 6 of four together.
#include <algorithm>
#include <bit>

#include "compiler/elements.hpp"
#include "compiler/emitter.hpp"

namespace sokr::cpu {

using llvm::Align;

struct Emitter::Together {
  Emitter& e;
  const Neighbours::Group& group;
  std::vector<PlacedLeaf> leaves = {};  // of all elements
  std::size_t each = 0;                 // leaves of an element
  Address address = {};

  static const Neighbours::Group* group_of(Emitter& e, const Inst& inst) {
    return e.has(Part::kNeighbours) && e.g_.lanes() > 1 ? e.neighbours_.group_of(e.block_, inst)
                                                        : nullptr;
  }

  // Where the elements are; false if some may be out of range.
  bool find() {
    const auto first = std::ranges::find(group.members, 0u, &Neighbours::Member::step);
    address = e.address_of(first->inst->args[0]);
    std::vector<PlacedLeaf> one;
    placed_leaves(*e.p_.module, address.placed, 0, one);
    each = one.size();
    const std::uint64_t size = placed_size(*e.p_.module, address.placed);
    for (std::uint32_t i = 0; i < group.count; ++i)
      for (const PlacedLeaf& leaf : one) leaves.push_back({leaf.offset + i * size, leaf.type});
    const Extent extent = extent_of(*e.p_.module, leaves);
    if (e.is_scalar_address(address)) return false;
    // Of Workgroup memory nothing is gained where a test is needed.
    return address.space == Space::kBuffer || e.is_inside(address, extent.low, extent.high);
  }
};

// Makes the load, and those of its group that follow. False if it has to be made alone.
bool Emitter::load_together(const Inst& inst) {
  if (done_.erase(&inst) != 0) return true;
  const Neighbours::Group* group = Together::group_of(*this, inst);
  if (!group || group->members.front().inst != &inst) return false;
  Together together{*this, *group};
  if (!together.find()) return false;
  note("load neighbours", together.address, together.leaves);
  const Leaves all = load_leaves(together.address, together.leaves);
  for (const Neighbours::Member& member : group->members) {
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(member.step * together.each);
    set(member.inst->id, Leaves(begin, begin + static_cast<std::ptrdiff_t>(together.each)));
    if (member.inst != &inst) done_.insert(member.inst);
  }
  return true;
}

namespace {

constexpr std::size_t kMostRuns = 8;  // stores, instead of one for each of 16 lanes

// Lanes whose places follow one another: `count` of them, a power of two, from `first` on in order
// of their places.
struct Run {
  std::size_t first = 0, count = 0;
};

std::vector<Run> runs_of(const std::vector<std::int64_t>& places, std::int64_t distance) {
  std::vector<Run> runs;
  for (std::size_t at = 0; at < places.size(); at += runs.back().count) {
    std::size_t follow = 1;
    while (at + follow < places.size() &&
           places[at + follow] == places[at] + static_cast<std::int64_t>(follow) * distance)
      ++follow;
    runs.push_back({at, std::bit_floor(follow)});
  }
  return runs;
}

// Lanes in the order of their places; empty if two share one.
std::vector<int> order_of_places(const Table& table, unsigned width) {
  std::vector<int> order;
  for (unsigned l = 0; l < width; ++l) order.push_back(static_cast<int>(l));
  const auto place = [&](int lane) { return table[static_cast<std::size_t>(lane)]; };
  std::ranges::sort(order, {}, place);
  const auto same = std::ranges::adjacent_find(order, {}, place);
  return same == order.end() ? order : std::vector<int>();
}

std::vector<std::int64_t> sorted_places(const Table& table, const std::vector<int>& order,
                                        std::int64_t scale) {
  std::vector<std::int64_t> places;
  for (const int lane : order) places.push_back(table[static_cast<std::size_t>(lane)] * scale);
  return places;
}

}  // namespace

// The last store of a group makes all of it.
bool Emitter::store_together(const Inst& inst) {
  const Neighbours::Group* group = Together::group_of(*this, inst);
  if (!group) return false;
  if (group->members.back().inst != &inst) return true;
  Together together{*this, *group};
  if (!together.find()) {
    for (const Neighbours::Member& member : group->members)
      store_through(member.inst->args[0], get(member.inst->args[1]));
    return true;
  }
  note("store neighbours", together.address, together.leaves);
  Leaves all(together.leaves.size());
  for (const Neighbours::Member& member : group->members)
    std::ranges::copy(get(member.inst->args[1]),
                      all.begin() + static_cast<std::ptrdiff_t>(member.step * together.each));
  store_leaves(together.address, together.leaves, all);
  return true;
}

// Words at constant distances from a base that each chunk has, several of a lane side by side?
bool Emitter::has_table_elements(const Address& address, const std::vector<PlacedLeaf>& leaves) {
  if (!address.scale || !address.index.s.table || !address.offset.s.affine ||
      address.offset.s.ls != 0 || address.is_volatile || !has(Part::kTablePlaces) ||
      (leaves.size() > 2 && leaves.size() != 4))
    return false;
  const bool in_buffer = address.space == Space::kBuffer && leaves.size() > 1;
  if (address.space != Space::kWorkgroup && !in_buffer) return false;
  if (leaves.size() == 1) {
    const auto order = order_of_places(*address.index.s.table, g_.width);
    const auto places = sorted_places(*address.index.s.table, order, address.scale);
    if (order.empty() || 2 * runs_of(places, 4).size() > g_.width ||
        runs_of(places, 4).size() > kMostRuns)
      return false;
  }
  const Extent e = extent_of(*p_.module, leaves);
  return are_words_in_order(*p_.module, leaves) &&
         (in_buffer || is_inside(address, e.low, e.high)) && is_written_out(g_.chunks);
}

void Emitter::store_table(const Address& address, const std::vector<PlacedLeaf>& leaves,
                          const Leaves& value) {
  note("store table places", address, leaves);
  const Table& table = *address.index.s.table;
  const auto number = [&](std::int64_t n) { return b_.getInt64(static_cast<std::uint64_t>(n)); };
  const Extent e = extent_of(*p_.module, leaves);
  const auto [low, high] = std::minmax_element(table.begin(), table.begin() + g_.width);
  const std::int64_t first = *low * address.scale + e.low, last = *high * address.scale + e.high;
  LlvmValues offsets;
  LlvmValue* good = is_full(mask_) ? nullptr : all(mask_);
  for (unsigned c = 0; c < g_.chunks; ++c) {
    LlvmValue* lane = b_.CreateExtractElement(vector_of(address.index, c), std::uint64_t{0});
    LlvmValue* base = b_.CreateSub(b_.CreateSExt(lane, b_.getInt64Ty()), number(table[0]));
    offsets.push_back(
        b_.CreateAdd(b_.CreateMul(base, number(address.scale)), base_of(address.offset, c)));
    if (!address.limit || is_inside(address, e.low, e.high)) continue;
    LlvmValue* inside = b_.CreateICmpULT(b_.CreateAdd(offsets.back(), number(first)),
                                         room(address.limit, last - first));
    good = good ? b_.CreateAnd(good, inside) : inside;
  }
  BasicBlock *slow = nullptr, *done = nullptr;
  if (good) {
    BasicBlock* fast = BasicBlock::Create(cx_, "together", fn_);
    slow = BasicBlock::Create(cx_, "edge", fn_);
    done = BasicBlock::Create(cx_, "written", fn_);
    b_.CreateCondBr(good, fast, slow, llvm::MDBuilder(cx_).createLikelyBranchWeights());
    b_.SetInsertPoint(fast);
  }
  Elements elements(b_, g_.width);
  for (unsigned c = 0; c < g_.chunks; ++c) {
    LlvmValue* start = b_.CreateGEP(b_.getInt8Ty(), address.base, offsets[c]);
    LlvmValues parts;
    for (const Val& leaf : value)
      parts.push_back(b_.CreateBitCast(to_memory(vector_of(leaf, c)), wide(b_.getFloatTy())));
    const auto store_at = [&](LlvmValue* v, std::int64_t at) {
      at += static_cast<std::int64_t>(leaves[0].offset);
      annotate(b_.CreateAlignedStore(
                   v, b_.CreateConstGEP1_64(b_.getInt8Ty(), start, static_cast<std::uint64_t>(at)),
                   Align(4)),
               address);
    };
    const auto store = [&](LlvmValue* v, unsigned l) { store_at(v, table[l] * address.scale); };
    if (parts.size() == 1) {
      const auto order = order_of_places(table, g_.width);
      const auto places = sorted_places(table, order, address.scale);
      LlvmValue* sorted = b_.CreateShuffleVector(parts[0], order);
      for (const Run& run : runs_of(places, 4)) {
        llvm::SmallVector<int, 16> pick;
        for (std::size_t i = 0; i < run.count; ++i) pick.push_back(static_cast<int>(run.first + i));
        store_at(b_.CreateShuffleVector(sorted, pick), places[run.first]);
      }
      continue;
    }
    parts.size() == 2 ? elements.store_pairs(parts, store) : elements.store_quads(parts, store);
  }
  if (slow) store_careful(address, leaves, value, slow, done);
}

}  // namespace sokr::cpu
