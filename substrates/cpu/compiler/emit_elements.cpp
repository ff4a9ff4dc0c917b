// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Elements of several components, such as vectors and blocks of narrow values, where the lanes'
// elements lie apart. One load moves all components of a lane, and transposes between registers
// make the components' vectors of them: a gather for each component costs as much as that for all.
#include <algorithm>
#include <bit>

#include "compiler/elements.hpp"
#include "compiler/emitter.hpp"

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

}  // namespace

// Is it worth the transposes?
bool Emitter::has_wide_elements(const std::vector<PlacedLeaf>& leaves) const {
  return pieces_of(*p_.module, leaves).size() < leaves.size();
}

unsigned Emitter::element_accesses(const std::vector<PlacedLeaf>& leaves) const {
  return static_cast<unsigned>(pieces_of(*p_.module, leaves).size());
}

// The components of one chunk, one vector each, of elements at the lanes' pointers.
LlvmValues Emitter::load_elements(const Address& address, const std::vector<PlacedLeaf>& leaves,
                                  llvm::ArrayRef<LlvmValue*> pointers) {
  LlvmValues out;
  for (const Piece& piece : pieces_of(*p_.module, leaves)) {
    const auto load = [&](LlvmType* type, unsigned lane) {
      LlvmValue* at =
          b_.CreateConstGEP1_64(b_.getInt8Ty(), pointers[lane], leaves[piece.first].offset);
      return annotate(b_.CreateAlignedLoad(type, at, Align(std::min(piece.size, 4u))), address);
    };
    LlvmValues parts;
    if (piece.bytes() == 16)
      parts = Elements(b_, g_.width).load_quads(load);
    else
      parts = Elements(b_, g_.width).load_words_of(piece.count, piece.size, load);
    for (unsigned i = 0; i < piece.count; ++i) {
      const Id type = leaves[piece.first + i].type;
      out.push_back(from_memory(b_.CreateBitCast(parts[i], wide(memory_type(type))), type));
    }
  }
  return out;
}

// The same for lanes that share few elements: `places` are those of the lanes, in bytes from
// `start`. Each element is loaded once, and each component is one shuffle of all of them. Empty
// where that takes more than one register.
LlvmValues Emitter::load_shared_elements(const Address& address,
                                         const std::vector<PlacedLeaf>& leaves, LlvmValue* start,
                                         const Offsets& places) {
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
  if (!fits || !has(Part::kSharedElements)) return {};
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
      parts.push_back(annotate(b_.CreateAlignedLoad(element, at, Align(4)), address));
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
      out.push_back(from_memory(b_.CreateBitCast(v, wide(memory_type(type))), type));
    }
  }
  return out;
}

// Lanes that are not at a constant distance from each other.
Leaves Emitter::load_apart(const Address& address, const std::vector<PlacedLeaf>& leaves) {
  const unsigned accesses = g_.chunks * element_accesses(leaves);
  const bool one_object = address.space != Space::kDynamic && address.space != Space::kPhysical;
  const bool has_table = address.table || (address.scale && address.index.s.table &&
                                           address.offset.s.affine && address.offset.s.ls == 0);
  if (one_object && has_table && has(Part::kTablePlaces) && is_written_out(accesses)) {
    note("load table places", address, leaves);
    return load_table(address, leaves);
  }
  if (one_object && address.limit && !address.is_volatile && has_wide_elements(leaves) &&
      has(Part::kWideElements) && is_written_out(accesses)) {
    note("load wide elements", address, leaves);
    return load_scattered(address, leaves);
  }
  note("load gather", address, leaves);
  return load_gather(address, leaves);
}

// Elements at places that the lanes' data say: all in range, or each component by itself.
Leaves Emitter::load_scattered(const Address& address, const std::vector<PlacedLeaf>& leaves) {
  const bool by_chunk = address.offset.s.varies_by_chunk() ||
                        (address.scale && address.index.s.varies_by_chunk()) ||
                        (!is_full(mask_) && mask_.s.varies_by_chunk());
  const unsigned count = by_chunk ? g_.chunks : 1;
  const Extent e = extent_of(*p_.module, leaves);
  LlvmValues inside;
  LlvmValue* good = nullptr;
  for (unsigned c = 0; c < count; ++c) {
    inside.push_back(lane_in_bounds(address, c, e.low, e.high));
    LlvmValue* who = inside.back();
    if (!is_full(mask_)) who = b_.CreateOr(who, b_.CreateNot(mask_vector(c)));
    good = good ? b_.CreateAnd(good, who) : who;
  }
  BasicBlock* fast = BasicBlock::Create(cx_, "inside", fn_);
  BasicBlock* slow = BasicBlock::Create(cx_, "edge", fn_);
  BasicBlock* done = BasicBlock::Create(cx_, "read", fn_);
  LlvmValue* bits = mask_bits(good);
  b_.CreateCondBr(b_.CreateICmpEQ(bits, llvm::Constant::getAllOnesValue(bits->getType())), fast,
                  slow, llvm::MDBuilder(cx_).createLikelyBranchWeights());
  b_.SetInsertPoint(fast);
  Leaves out(leaves.size());
  for (auto& leaf : out) leaf.s = Shape::varying(by_chunk);
  Address plain = address;
  plain.invariant = false;
  for (unsigned c = 0; c < count; ++c) {
    // Who does not take part and is out of range reads zeros.
    LlvmValue* all = lane_pointers(address, c, 0);
    if (!is_full(mask_))
      all = b_.CreateSelect(inside[c], all, b_.CreateVectorSplat(g_.width, zeros_));
    LlvmValues pointers;
    for (unsigned l = 0; l < g_.width; ++l)
      pointers.push_back(b_.CreateExtractElement(all, std::uint64_t{l}));
    const LlvmValues parts = load_elements(plain, leaves, pointers);
    for (std::size_t i = 0; i < leaves.size(); ++i) out[i].v.push_back(parts[i]);
  }
  join_careful(address, leaves, slow, done, out);
  return out;
}

// Lanes at constant distances from a base that each chunk has.
Leaves Emitter::load_table(const Address& address, const std::vector<PlacedLeaf>& leaves) {
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
  const bool tested = address.limit && !is_inside(address, e.low, e.high);
  LlvmValues offsets;
  LlvmValue* good = several && tested ? address.table_holds : nullptr;
  for (unsigned c = 0; c < count; ++c) {
    if (several) {
      offsets.push_back(base_of(address.table_base, c));
    } else {
      LlvmValue* lane = b_.CreateExtractElement(vector_of(address.index, c), std::uint64_t{0});
      LlvmValue* base = b_.CreateSub(b_.CreateSExt(lane, b_.getInt64Ty()), number(table[0]));
      offsets.push_back(
          b_.CreateAdd(b_.CreateMul(base, number(address.scale)), base_of(address.offset, c)));
    }
    if (!tested) continue;
    LlvmValue* inside = b_.CreateICmpULT(b_.CreateAdd(offsets.back(), number(first)),
                                         room(address.limit, last - first));
    good = good ? b_.CreateAnd(good, inside) : inside;
  }
  BasicBlock *slow = nullptr, *done = nullptr;
  if (good) {
    BasicBlock* fast = BasicBlock::Create(cx_, "inside", fn_);
    slow = BasicBlock::Create(cx_, "edge", fn_);
    done = BasicBlock::Create(cx_, "read", fn_);
    b_.CreateCondBr(good, fast, slow, llvm::MDBuilder(cx_).createLikelyBranchWeights());
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
  if (slow) join_careful(address, leaves, slow, done, out);
  return out;
}

}  // namespace sokr::cpu
