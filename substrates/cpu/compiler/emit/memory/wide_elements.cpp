// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Elements of several components, such as vectors and blocks of narrow values, where the lanes'
// elements lie apart. One load moves all components of a lane, and transposes between registers
// make the components' vectors of them: a gather for each component costs as much as that for all.
#include "compiler/emit/memory/wide_elements.hpp"

#include <algorithm>
#include <bit>

#include "compiler/codegen/llvm_versions.hpp"
#include "compiler/emit/memory/elements.hpp"

namespace sokr::cpu {

using llvm::Align;

namespace {

// Components that one load of a lane moves.
struct Piece {
  std::size_t first = 0;  // of the leaves
  unsigned count = 1, size = 0;
  unsigned bytes() const { return count * size; }
};

// Is there a load of so many components of this size, with its transposes?
bool is_whole(unsigned count, unsigned size) {
  const unsigned bytes = count * size;
  return count == 1 || (bytes == 4 && size < 4) || (bytes == 8 && size <= 4) ||
         (bytes == 16 && size == 4);
}

// The largest pieces first; components that have no neighbours are pieces of their own.
std::vector<Piece> pieces_of(const spirv::Module& module, const std::vector<PlacedLeaf>& leaves) {
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < leaves.size(); i += pieces.back().count) {
    const unsigned size = scalar_size(module, leaves[i].type);
    unsigned run = 1;
    while (i + run < leaves.size() && scalar_size(module, leaves[i + run].type) == size &&
           leaves[i + run].offset == leaves[i].offset + std::uint64_t{run} * size)
      ++run;
    while (!is_whole(run, size)) --run;
    pieces.push_back({i, run, size});
  }
  return pieces;
}

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

// Is it worth the transposes?
bool WideElements::has_wide_elements(const std::vector<PlacedLeaf>& leaves) const {
  return pieces_of(*p_.module, leaves).size() < leaves.size();
}

unsigned WideElements::element_accesses(const std::vector<PlacedLeaf>& leaves) const {
  return static_cast<unsigned>(pieces_of(*p_.module, leaves).size());
}

// The components of one chunk, one vector each, of elements at the lanes' pointers.
LlvmValues WideElements::load_elements(const Address& address,
                                       const std::vector<PlacedLeaf>& leaves,
                                       llvm::ArrayRef<LlvmValue*> pointers) {
  LlvmValues out;
  for (const Piece& piece : pieces_of(*p_.module, leaves)) {
    const auto load = [&](LlvmType* type, unsigned lane) {
      LlvmValue* at =
          b_.CreateConstGEP1_64(b_.getInt8Ty(), pointers[lane], leaves[piece.first].offset);
      return places_.annotate(b_.CreateAlignedLoad(type, at, Align(std::min(piece.size, 4u))),
                              address);
    };
    LlvmValues parts;
    if (piece.bytes() == 16)
      parts = Elements(b_, g_.width).load_quads(load);
    else
      parts = Elements(b_, g_.width).load_words_of(piece.count, piece.size, load);
    for (unsigned i = 0; i < piece.count; ++i) {
      const Id type = leaves[piece.first + i].type;
      out.push_back(places_.from_memory(
          b_.CreateBitCast(parts[i], b_.wide(places_.memory_type(type))), type));
    }
  }
  return out;
}

// The same for lanes that share few elements: `places` are those of the lanes, in bytes from
// `start`. Each element is loaded once, and each component is one shuffle of all of them. Empty
// where that takes more than one register.
LlvmValues WideElements::load_shared_elements(const Address& address,
                                              const std::vector<PlacedLeaf>& leaves,
                                              LlvmValue* start, const Offsets& places) {
  Offsets distinct;
  for (const std::int64_t at : places)
    if (!llvm::is_contained(distinct, at)) distinct.push_back(at);
  const std::vector<Piece> pieces = pieces_of(*p_.module, leaves);
  const bool fits =
      distinct.size() < g_.width &&
      std::ranges::all_of(
          pieces,
          [&](const Piece& one) {
            return one.size == 4 && std::bit_ceil(distinct.size()) * one.count <= 2 * g_.width;
          });
  if (!fits || !b_.has(Part::kSharedElements)) return {};
  Elements elements(b_, g_.width);
  LlvmValues out;
  for (const Piece& piece : pieces) {
    // All elements beside one another; what fills up to a power of two is the first one again.
    LlvmType* element = llvm::FixedVectorType::get(b_.getFloatTy(), piece.count);
    const std::size_t all = std::bit_ceil(distinct.size()) * piece.count;
    LlvmValues parts;
    for (std::size_t i = 0; i < std::bit_ceil(distinct.size()); ++i) {
      const std::int64_t place = distinct[i < distinct.size() ? i : 0];
      LlvmValue* at = b_.CreateConstGEP1_64(
          b_.getInt8Ty(), start, static_cast<std::uint64_t>(place) + leaves[piece.first].offset);
      parts.push_back(places_.annotate(b_.CreateAlignedLoad(element, at, Align(4)), address));
    }
    for (; parts.size() > 2 || (parts.size() == 2 && all <= g_.width);
         parts.resize(parts.size() / 2))
      for (std::size_t k = 0; k < parts.size() / 2; ++k)
        parts[k] = elements.beside(parts[2 * k], parts[2 * k + 1]);
    for (unsigned i = 0; i < piece.count; ++i) {
      llvm::SmallVector<int, 16> pick;
      for (const std::int64_t at : places)
        pick.push_back(static_cast<int>(
            static_cast<unsigned>(llvm::find(distinct, at) - distinct.begin()) * piece.count + i));
      const Id type = leaves[piece.first + i].type;
      LlvmValue* v = b_.CreateShuffleVector(parts.front(), parts.back(), pick);
      out.push_back(
          places_.from_memory(b_.CreateBitCast(v, b_.wide(places_.memory_type(type))), type));
    }
  }
  return out;
}

// Lanes that are not at a constant distance from each other.
Leaves WideElements::load_apart(const Address& address, const std::vector<PlacedLeaf>& leaves) {
  const unsigned accesses = g_.chunks * element_accesses(leaves);
  const bool one_object = address.space != Space::kDynamic && address.space != Space::kPhysical;
  const bool has_table = address.table || (address.scale && address.index.s.table &&
                                           address.offset.s.affine && address.offset.s.ls == 0);
  if (one_object && has_table && b_.has(Part::kTablePlaces) && lanes_.is_written_out(accesses)) {
    places_.note("load table places", address, leaves);
    return load_table(address, leaves);
  }
  // Who does not take part reads zeros, at the components' offsets.
  const bool has_zeros = b_.is_full(at_.mask) || extent_of(*p_.module, leaves).high <=
                                                     static_cast<std::int64_t>(Frame::kZeros);
  if (one_object && address.limit && !address.is_volatile && has_zeros &&
      has_wide_elements(leaves) && b_.has(Part::kWideElements) && lanes_.is_written_out(accesses)) {
    places_.note("load wide elements", address, leaves);
    return load_scattered(address, leaves, 1);
  }
  places_.note("load gather", address, leaves);
  return lanes_.load_gather(address, leaves);
}

// A group is one load of at least four words. Rows of tiles and of heads are of this kind: 16 lanes
// of four words each that are four rows are 4 loads then and not 16 through 16 addresses, 38
// instructions for 75 (Zen 4).
unsigned WideElements::lanes_of_groups(const Address& address,
                                       const std::vector<PlacedLeaf>& leaves) {
  constexpr unsigned kLeastWords = 4;
  if (!b_.has(Part::kLaneGroups) || !address.scale || !address.lanes || address.index.s.affine ||
      address.index.s.table || !address.offset.s.affine || address.offset.s.ls != 0 ||
      !address.limit || address.is_volatile ||
      (address.space != Space::kBuffer && address.space != Space::kWorkgroup))
    return 0;
  const std::vector<Piece> pieces = pieces_of(*p_.module, leaves);
  if (pieces.size() != 1 || pieces[0].size != 4 || address.scale != pieces[0].bytes()) return 0;
  const LaneGroup group = groups_.group_of(address.lanes);
  if (group.step != 1 || group.lanes == 1 || group.lanes * pieces[0].count < kLeastWords ||
      leaves[0].offset + group.lanes * pieces[0].bytes() > Frame::kZeros)
    return 0;
  const unsigned words = std::min(group.lanes * pieces[0].count, g_.width);
  const unsigned loads = g_.chunks * g_.width * pieces[0].count / words;
  return lanes_.is_written_out((loads + g_.width - 1) / g_.width) ? group.lanes : 0;
}

Leaves WideElements::load_groups(const Address& address, const std::vector<PlacedLeaf>& leaves,
                                 unsigned lanes) {
  places_.note("load lane groups", address, leaves);
  return load_scattered(address, leaves, lanes);
}

// Does each group take part as a whole or not at all?
LlvmValue* WideElements::are_groups_whole(LlvmValue* who, unsigned lanes) {
  LlvmValue* bits = b_.mask_bits(who);
  std::uint64_t inner = 0;  // lanes with another one of their group behind them
  for (unsigned l = 0; l + 1 < g_.width; ++l)
    if ((l + 1) % lanes != 0) inner |= UINT64_C(1) << l;
  LlvmType* type = bits->getType();
  LlvmValue* differ = b_.CreateXor(bits, b_.CreateLShr(bits, llvm::ConstantInt::get(type, 1)));
  differ = b_.CreateAnd(differ, llvm::ConstantInt::get(type, inner));
  return b_.CreateICmpEQ(differ, llvm::ConstantInt::get(type, 0));
}

// The components of one chunk. The words of a group lie in one row, those of all groups one after
// the other in as many registers as there are components.
LlvmValues WideElements::load_rows_of_groups(const Address& address,
                                             const std::vector<PlacedLeaf>& leaves,
                                             LlvmValue* pointers, unsigned lanes) {
  const auto count = static_cast<unsigned>(leaves.size());
  const unsigned words = std::min(lanes * count, g_.width);
  LlvmType* row = llvm::FixedVectorType::get(b_.getFloatTy(), words);
  LlvmValues rows;
  for (unsigned at = 0; at < g_.width * count; at += words) {
    const unsigned first = at / count / lanes * lanes;  // lane of the group
    LlvmValue* pointer = b_.CreateConstGEP1_64(
        b_.getInt8Ty(), b_.CreateExtractElement(pointers, std::uint64_t{first}),
        leaves[0].offset + std::uint64_t{at - first * count} * 4);
    rows.push_back(places_.annotate(b_.CreateAlignedLoad(row, pointer, Align(4)), address));
  }
  Elements elements(b_, g_.width);
  for (; rows.size() > 1; rows.resize(rows.size() / 2))
    for (std::size_t k = 0; k < rows.size() / 2; ++k)
      rows[k] = elements.beside(rows[2 * k], rows[2 * k + 1]);
  LlvmValues out;
  for (unsigned i = 0; i < count; ++i) {
    llvm::SmallVector<int, 16> pick;
    for (unsigned l = 0; l < g_.width; ++l) pick.push_back(static_cast<int>(l * count + i));
    LlvmValue* v = count == 1 ? rows[0] : b_.CreateShuffleVector(rows[0], pick);
    const Id type = leaves[i].type;
    out.push_back(
        places_.from_memory(b_.CreateBitCast(v, b_.wide(places_.memory_type(type))), type));
  }
  return out;
}

// Elements at places that the lanes' data say: all in range, or each component by itself.
Leaves WideElements::load_scattered(const Address& address, const std::vector<PlacedLeaf>& leaves,
                                    unsigned lanes) {
  const bool by_chunk = address.offset.s.varies_by_chunk() ||
                        (address.scale && address.index.s.varies_by_chunk()) ||
                        (!b_.is_full(at_.mask) && at_.mask.s.varies_by_chunk());
  const unsigned count = by_chunk ? g_.chunks : 1;
  const Extent e = extent_of(*p_.module, leaves);
  LlvmValues inside;
  LlvmValue *good = nullptr, *whole = nullptr;
  for (unsigned c = 0; c < count; ++c) {
    inside.push_back(places_.lane_in_bounds(address, c, e.low, e.high));
    LlvmValue* who = inside.back();
    if (!b_.is_full(at_.mask)) {
      LlvmValue* mask = b_.mask_vector(c);
      who = b_.CreateOr(who, b_.CreateNot(mask));
      if (lanes > 1) {
        // Those who do not take part may hold anything.
        inside.back() = b_.CreateAnd(inside.back(), mask);
        LlvmValue* one = are_groups_whole(inside.back(), lanes);
        whole = whole ? b_.CreateAnd(whole, one) : one;
      }
    }
    good = good ? b_.CreateAnd(good, who) : who;
  }
  BasicBlock* fast = BasicBlock::Create(cx_, "inside", at_.function);
  BasicBlock* slow = BasicBlock::Create(cx_, "edge", at_.function);
  BasicBlock* done = BasicBlock::Create(cx_, "read", at_.function);
  LlvmValue* bits = b_.mask_bits(good);
  LlvmValue* all = b_.CreateICmpEQ(bits, llvm::Constant::getAllOnesValue(bits->getType()));
  if (whole) all = b_.CreateAnd(all, whole);
  b_.CreateCondBr(all, fast, slow, likely_weights(cx_));
  b_.SetInsertPoint(fast);
  Leaves out(leaves.size());
  for (auto& leaf : out) leaf.s = Shape::varying(by_chunk);
  Address plain = address;
  plain.invariant = false;
  for (unsigned c = 0; c < count; ++c) {
    // Who does not take part and is out of range reads zeros.
    LlvmValue* places = places_.lane_pointers(address, c, 0);
    if (!b_.is_full(at_.mask))
      places = b_.CreateSelect(inside[c], places, b_.CreateVectorSplat(g_.width, frame_.zeros()));
    LlvmValues parts;
    if (lanes > 1) {
      parts = load_rows_of_groups(plain, leaves, places, lanes);
    } else {
      LlvmValues pointers;
      for (unsigned l = 0; l < g_.width; ++l)
        pointers.push_back(b_.CreateExtractElement(places, std::uint64_t{l}));
      parts = load_elements(plain, leaves, pointers);
    }
    for (std::size_t i = 0; i < leaves.size(); ++i) out[i].v.push_back(parts[i]);
  }
  lanes_.join_robust(address, leaves, slow, done, out);
  return out;
}

// Lanes at constant distances from a base that each chunk has.
Leaves WideElements::load_table(const Address& address, const std::vector<PlacedLeaf>& leaves) {
  const auto number = [&](std::int64_t n) { return b_.getInt64(static_cast<std::uint64_t>(n)); };
  const bool several = address.table != nullptr;
  const Table& table = several ? *address.table : *address.index.s.table;
  const bool by_chunk = several ? address.table_base.s.chunk
                                : address.index.s.chunk || address.offset.s.varies_by_chunk();
  const unsigned count = by_chunk ? g_.chunks : 1;
  Offsets places;
  for (unsigned l = 0; l < g_.width; ++l)
    places.push_back(several ? table[l] : table[l] * address.scale);
  const auto [low, high] = std::minmax_element(places.begin(), places.end());
  const Extent e = extent_of(*p_.module, leaves);
  const std::int64_t first = *low + e.low, last = *high + e.high;
  const bool tested = address.limit && !places_.is_inside(address, e.low, e.high);
  LlvmValues offsets;
  LlvmValue* good = several && tested ? address.table_holds : nullptr;
  for (unsigned c = 0; c < count; ++c) {
    if (several) {
      offsets.push_back(b_.base_of(address.table_base, c));
    } else {
      LlvmValue* lane = b_.CreateExtractElement(b_.vector_of(address.index, c), std::uint64_t{0});
      LlvmValue* base = b_.CreateSub(b_.CreateSExt(lane, b_.getInt64Ty()), number(table[0]));
      offsets.push_back(
          b_.CreateAdd(b_.CreateMul(base, number(address.scale)), b_.base_of(address.offset, c)));
    }
    if (!tested) continue;
    LlvmValue* inside = b_.CreateICmpULT(b_.CreateAdd(offsets.back(), number(first)),
                                         places_.room(address.limit, last - first));
    good = good ? b_.CreateAnd(good, inside) : inside;
  }
  BasicBlock *slow = nullptr, *done = nullptr;
  if (good) {
    BasicBlock* fast = BasicBlock::Create(cx_, "inside", at_.function);
    slow = BasicBlock::Create(cx_, "edge", at_.function);
    done = BasicBlock::Create(cx_, "read", at_.function);
    b_.CreateCondBr(good, fast, slow, likely_weights(cx_));
    b_.SetInsertPoint(fast);
  }
  Leaves out(leaves.size());
  for (auto& leaf : out) leaf.s = Shape::varying(count > 1);
  for (unsigned c = 0; c < count; ++c) {
    LlvmValue* start = b_.CreateGEP(b_.getInt8Ty(), address.base, offsets[c]);
    LlvmValues parts = load_shared_elements(address, leaves, start, places);
    if (parts.empty()) {
      LlvmValues pointers;
      for (const std::int64_t at : places)
        pointers.push_back(
            b_.CreateConstGEP1_64(b_.getInt8Ty(), start, static_cast<std::uint64_t>(at)));
      parts = load_elements(address, leaves, pointers);
    }
    for (std::size_t i = 0; i < leaves.size(); ++i) out[i].v.push_back(parts[i]);
  }
  if (slow) lanes_.join_robust(address, leaves, slow, done, out);
  return out;
}

// Words at constant distances from a base that each chunk has, several of a lane side by side?
bool WideElements::has_table_elements(const Address& address,
                                      const std::vector<PlacedLeaf>& leaves) {
  if (!address.scale || !address.index.s.table || !address.offset.s.affine ||
      address.offset.s.ls != 0 || address.is_volatile || !b_.has(Part::kTablePlaces) ||
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
         (in_buffer || places_.is_inside(address, e.low, e.high)) &&
         lanes_.is_written_out(g_.chunks);
}

void WideElements::store_table(const Address& address, const std::vector<PlacedLeaf>& leaves,
                               const Leaves& value) {
  places_.note("store table places", address, leaves);
  const Table& table = *address.index.s.table;
  const auto number = [&](std::int64_t n) { return b_.getInt64(static_cast<std::uint64_t>(n)); };
  const Extent e = extent_of(*p_.module, leaves);
  const auto [low, high] = std::minmax_element(table.begin(), table.begin() + g_.width);
  const std::int64_t first = *low * address.scale + e.low, last = *high * address.scale + e.high;
  LlvmValues offsets;
  LlvmValue* good = b_.is_full(at_.mask) ? nullptr : b_.all(at_.mask);
  for (unsigned c = 0; c < g_.chunks; ++c) {
    LlvmValue* lane = b_.CreateExtractElement(b_.vector_of(address.index, c), std::uint64_t{0});
    LlvmValue* base = b_.CreateSub(b_.CreateSExt(lane, b_.getInt64Ty()), number(table[0]));
    offsets.push_back(
        b_.CreateAdd(b_.CreateMul(base, number(address.scale)), b_.base_of(address.offset, c)));
    if (!address.limit || places_.is_inside(address, e.low, e.high)) continue;
    LlvmValue* inside = b_.CreateICmpULT(b_.CreateAdd(offsets.back(), number(first)),
                                         places_.room(address.limit, last - first));
    good = good ? b_.CreateAnd(good, inside) : inside;
  }
  BasicBlock *slow = nullptr, *done = nullptr;
  if (good) {
    BasicBlock* fast = BasicBlock::Create(cx_, "together", at_.function);
    slow = BasicBlock::Create(cx_, "edge", at_.function);
    done = BasicBlock::Create(cx_, "written", at_.function);
    b_.CreateCondBr(good, fast, slow, likely_weights(cx_));
    b_.SetInsertPoint(fast);
  }
  Elements elements(b_, g_.width);
  for (unsigned c = 0; c < g_.chunks; ++c) {
    LlvmValue* start = b_.CreateGEP(b_.getInt8Ty(), address.base, offsets[c]);
    LlvmValues parts;
    for (const Val& leaf : value)
      parts.push_back(
          b_.CreateBitCast(places_.to_memory(b_.vector_of(leaf, c)), b_.wide(b_.getFloatTy())));
    const auto store_at = [&](LlvmValue* v, std::int64_t at) {
      at += static_cast<std::int64_t>(leaves[0].offset);
      places_.annotate(
          b_.CreateAlignedStore(
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
  if (slow) lanes_.store_robust(address, leaves, value, slow, done);
}

}  // namespace sokr::cpu
