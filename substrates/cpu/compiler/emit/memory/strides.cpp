// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/emit/memory/strides.hpp"

#include <bit>

#include "compiler/codegen/llvm_versions.hpp"
#include "compiler/emit/memory/elements.hpp"

namespace sokr::cpu {

using llvm::Align;

namespace {

constexpr std::int64_t kMaxInterleave = 8;
constexpr std::size_t kMostNeighbours = 4;  // chunks that one load of a lane serves
constexpr std::int64_t kMaxGap = 4;         // elements a lane in a store that leaves some alone

// Rows that each chunk has a start of its own for are the rows of a tile: next to each of them lies
// what the next workgroup, or the next row of this one, reads, and no hardware follows so many rows
// at once. So each asks for the second line behind it (the first one comes with its pair). Measured
// on Zen 4: a permutation takes 0.55 of the time, a transposition 0.92. In a loop only where it is
// staged in Workgroup memory: others lost up to a tenth, and a product without tiles counts an
// eighth more instructions.
constexpr std::uint64_t kBytesBehindRow = 128;

bool is_staging(const Program& program, std::uint32_t block) {
  return llvm::any_of(program.blocks[block].body, [&](const Inst& inst) {
    const spirv::Variable* variable = inst.op == spv::Op::OpStore
                                          ? program.module->variable(root_of(program, inst.args[0]))
                                          : nullptr;
    return variable && variable->storage == spv::StorageClass::Workgroup;
  });
}

// Of neighbouring invocations.
std::int64_t interleave(const spirv::Module& module, const Address& address,
                        const std::vector<PlacedLeaf>& leaves) {
  return elements_apart(module, address.offset.s.ls, leaves);
}

// Words of a lane that lie side by side: four or two of them are one store, after transposes. Of
// other sizes, or alone, each is one of its own.
std::vector<WordPiece> word_pieces(const spirv::Module& module,
                                   const std::vector<PlacedLeaf>& leaves) {
  std::vector<WordPiece> pieces;
  for (std::size_t i = 0; i < leaves.size(); i += pieces.back().count) {
    unsigned run = 1;
    while (run < 4 && i + run < leaves.size() && scalar_size(module, leaves[i].type) == 4 &&
           scalar_size(module, leaves[i + run].type) == 4 &&
           leaves[i + run].offset == leaves[i].offset + std::uint64_t{run} * 4)
      ++run;
    pieces.push_back({i, std::bit_floor(run)});
  }
  return pieces;
}

bool any_lane_by_lane(const spirv::Module& module, const std::vector<PlacedLeaf>& leaves,
                      llvm::function_ref<bool(unsigned)> has_instruction) {
  return llvm::any_of(leaves, [&](const PlacedLeaf& leaf) {
    return !has_instruction(scalar_size(module, leaf.type));
  });
}

}  // namespace

std::int64_t elements_apart(const spirv::Module& module, std::int64_t distance,
                            const std::vector<PlacedLeaf>& leaves) {
  const std::int64_t size = scalar_size(module, leaves[0].type);
  if (distance <= 0 || distance % size || distance / size > kMaxInterleave) return 0;
  const Extent e = extent_of(module, leaves);
  if (e.high - e.low > distance) return 0;
  for (const auto& leaf : leaves)
    if (scalar_size(module, leaf.type) != size ||
        (static_cast<std::int64_t>(leaf.offset) - e.low) % size)
      return 0;
  return distance / size;
}

// A wide load of elements with gaps takes the gap behind the last one, too, where there may be no
// memory.
bool Strides::reads_behind(const Address& address, const std::vector<PlacedLeaf>& leaves) const {
  if (address.scale || !address.offset.s.affine || interleave(*p_.module, address, leaves) == 0)
    return false;
  const Extent e = extent_of(*p_.module, leaves);
  return e.low + address.offset.s.ls > e.high;
}

bool Strides::asks_behind_rows(const Address& address) const {
  return b_.has(Part::kRowPrefetch) && address.space == Space::kBuffer && at_.divergent == 0 &&
         at_.robust == 0 && (innermost_loop(p_, at_.block) == kNone || is_staging(p_, at_.block));
}

void Strides::ask_behind_row(LlvmValue* row) {
  LlvmValue* behind = b_.CreateConstGEP1_64(b_.getInt8Ty(), row, kBytesBehindRow);
  constexpr std::uint32_t kAllLevels = 3;
  b_.CreateIntrinsic(llvm::Intrinsic::prefetch, {b_.getPtrTy()},
                     {behind, b_.getInt32(0), b_.getInt32(kAllLevels), b_.getInt32(1)});
}

// Chunks that are neighbours in memory: those whose single elements lie side by side in each lane,
// four or two of them, move as the components of one element do. Others are alone.
std::vector<Strides::Neighbours> Strides::neighbours_of(
    const Address& address, const std::vector<PlacedLeaf>& leaves) const {
  const Shape& s = address.offset.s;
  const unsigned count = s.varies_by_chunk() ? g_.chunks : 1;
  const bool together =
      leaves.size() == 1 && !s.chunk && !address.is_volatile && b_.has(Part::kChunkNeighbours);
  const std::int64_t size = scalar_size(*p_.module, leaves[0].type);
  std::vector<Neighbours> all;
  std::vector<bool> taken(count);
  for (unsigned c = 0; c < count; ++c) {
    if (taken[c]) continue;
    Neighbours one{c};
    for (unsigned next = c + 1;
         together && size <= 4 && next < count && one.size() < kMostNeighbours; ++next)
      if (!taken[next] && s.chunk_offset(next) == s.chunk_offset(one.back()) + size)
        one.push_back(next);
    one.resize(std::bit_floor(one.size()));
    for (const unsigned chunk : one) taken[chunk] = true;
    all.push_back(std::move(one));
  }
  return all;
}

// Lanes at a constant distance: one test for all, and then places beside one base.
Leaves Strides::load_strided(const Address& address, const std::vector<PlacedLeaf>& leaves) {
  const bool by_chunk = address.offset.s.varies_by_chunk();
  const unsigned count = by_chunk ? g_.chunks : 1;
  const std::vector<Neighbours> groups = neighbours_of(address, leaves);
  if (address.space == Space::kDynamic || !b_.has(Part::kConstantStrides) ||
      !lanes_.is_written_out(static_cast<unsigned>(groups.size()) *
                             elements_.element_accesses(leaves))) {
    places_.note("load gather", address, leaves);
    return lanes_.load_gather(address, leaves);
  }
  places_.note(groups.size() < count ? "load chunks that are neighbours" : "load constant stride",
               address, leaves);
  Extent e = extent_of(*p_.module, leaves);
  BasicBlock *slow = nullptr, *done = nullptr;
  if (address.limit) {
    BasicBlock* fast = BasicBlock::Create(cx_, "inside", at_.function);
    slow = BasicBlock::Create(cx_, "edge", at_.function);
    done = BasicBlock::Create(cx_, "read", at_.function);
    b_.CreateCondBr(places_.range_in_bounds(address, e.low, e.high), fast, slow,
                    likely_weights(cx_));
    b_.SetInsertPoint(fast);
  }
  Leaves out(leaves.size());
  for (auto& leaf : out) leaf.s = Shape::varying(by_chunk);
  for (auto& leaf : out) leaf.v.resize(count);
  LlvmValue* start = nullptr;
  for (const Neighbours& group : groups) {
    start = places_.row_pointer(address, group[0], 0, start);
    LlvmValues pointers;
    for (unsigned l = 0; l < g_.width; ++l)
      pointers.push_back(b_.CreateConstGEP1_64(
          b_.getInt8Ty(), start, static_cast<std::uint64_t>(address.offset.s.ls * l)));
    std::vector<PlacedLeaf> all = leaves;  // of the chunks, one behind the other
    for (std::size_t k = 1; k < group.size(); ++k) {
      all.push_back(leaves[0]);
      all.back().offset += k * scalar_size(*p_.module, leaves[0].type);
    }
    const LlvmValues parts = elements_.load_elements(address, all, pointers);
    for (std::size_t i = 0; i < all.size(); ++i)
      group.size() > 1 ? out[0].v[group[i]] = parts[i] : out[i].v[group[0]] = parts[i];
  }
  if (slow) lanes_.join_robust(address, leaves, slow, done, out);
  return out;
}

// A piece of all lanes' elements of one chunk, the first of which lies at `start`.
void Strides::store_words(const Address& address, const std::vector<PlacedLeaf>& leaves,
                          const Leaves& value, const WordPiece& piece, unsigned chunk,
                          LlvmValue* start) {
  const unsigned size = scalar_size(*p_.module, leaves[piece.first].type);
  LlvmValues parts;
  for (std::size_t i = piece.first; i < piece.first + piece.count; ++i) {
    parts.push_back(places_.to_memory(b_.vector_of(value[i], chunk)));
    if (size == 4) parts.back() = b_.CreateBitCast(parts.back(), b_.wide(b_.getFloatTy()));
  }
  const auto store = [&](LlvmValue* v, unsigned lane) {
    const auto at =
        leaves[piece.first].offset + static_cast<std::uint64_t>(address.offset.s.ls * lane);
    places_.annotate(b_.CreateAlignedStore(v, b_.CreateConstGEP1_64(b_.getInt8Ty(), start, at),
                                           Align(std::min(size, 4u))),
                     address);
  };
  Elements elements(b_, g_.width);
  if (piece.count == 4) return elements.store_quads(parts, store);
  if (piece.count == 2) return elements.store_pairs(parts, store);
  for (unsigned lane = 0; lane < g_.width; ++lane)
    store(b_.CreateExtractElement(parts[0], std::uint64_t{lane}), lane);
}

void Strides::store_strided(const Address& address, const std::vector<PlacedLeaf>& leaves,
                            const Leaves& value) {
  const std::vector<WordPiece> pieces = word_pieces(*p_.module, leaves);
  const bool together = pieces.size() < leaves.size() && b_.has(Part::kWideElements);
  const auto accesses =
      static_cast<unsigned>(g_.chunks * (together ? pieces.size() : leaves.size()));
  if ((!together && !any_lane_by_lane(*p_.module, leaves,
                                      [&](unsigned size) { return lanes_.has_scatter(size); })) ||
      address.space == Space::kDynamic || address.space == Space::kPhysical ||
      !b_.has(Part::kConstantStrides) || !lanes_.is_written_out(accesses)) {
    places_.note("store scatter", address, leaves);
    return lanes_.store_scatter(address, leaves, value);
  }
  places_.note("store constant stride", address, leaves);
  Extent e = extent_of(*p_.module, leaves);
  BasicBlock *slow = nullptr, *done = nullptr;
  if (address.limit || !b_.is_full(at_.mask)) {
    BasicBlock* fast = BasicBlock::Create(cx_, "inside", at_.function);
    slow = BasicBlock::Create(cx_, "edge", at_.function);
    done = BasicBlock::Create(cx_, "written", at_.function);
    LlvmValue* inside =
        address.limit ? places_.range_in_bounds(address, e.low, e.high) : b_.getTrue();
    if (!b_.is_full(at_.mask)) inside = b_.CreateAnd(inside, b_.all(at_.mask));
    b_.CreateCondBr(inside, fast, slow, likely_weights(cx_));
    b_.SetInsertPoint(fast);
  }
  LlvmValue* start = nullptr;
  for (unsigned c = 0; c < g_.chunks; ++c) {
    start = places_.row_pointer(address, c, 0, start);
    if (together) {
      for (const WordPiece& piece : pieces) store_words(address, leaves, value, piece, c, start);
      continue;
    }
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      LlvmValue* v = places_.to_memory(b_.vector_of(value[i], c));
      const unsigned size = scalar_size(*p_.module, leaves[i].type);
      for (unsigned l = 0; l < g_.width; ++l) {
        const std::uint64_t at =
            leaves[i].offset + static_cast<std::uint64_t>(address.offset.s.ls * l);
        places_.annotate(b_.CreateAlignedStore(b_.CreateExtractElement(v, std::uint64_t{l}),
                                               b_.CreateConstGEP1_64(b_.getInt8Ty(), start, at),
                                               Align(std::min(size, 4u))),
                         address);
      }
    }
  }
  if (slow) lanes_.store_robust(address, leaves, value, slow, done);
}

Leaves Strides::load_affine(const Address& address, const std::vector<PlacedLeaf>& leaves) {
  std::int64_t step = interleave(*p_.module, address, leaves);
  if (!step || !b_.has(Part::kWideAccesses)) return load_strided(address, leaves);
  if (makes_words(*p_.module, step, leaves)) return words_.load_words(address, leaves);
  places_.note(step == 1 ? "load contiguous" : "load interleaved", address, leaves);
  Extent e = extent_of(*p_.module, leaves);
  std::int64_t ls = address.offset.s.ls;
  bool by_chunk = address.offset.s.varies_by_chunk();
  unsigned count = by_chunk ? g_.chunks : 1;
  BasicBlock *slow = nullptr, *done = nullptr;
  if (address.limit) {
    BasicBlock* fast = BasicBlock::Create(cx_, "inside", at_.function);
    slow = BasicBlock::Create(cx_, "edge", at_.function);
    done = BasicBlock::Create(cx_, "read", at_.function);
    LlvmValue* inside = places_.range_in_bounds(address, e.low, e.low + ls);
    b_.CreateCondBr(inside, fast, slow, likely_weights(cx_));
    b_.SetInsertPoint(fast);
  }
  Leaves out(leaves.size());
  for (auto& leaf : out) leaf.s = Shape::varying(by_chunk);
  std::int64_t size = scalar_size(*p_.module, leaves[0].type);
  auto lanes = static_cast<unsigned>(g_.width * step);
  const bool asks = address.offset.s.chunk && asks_behind_rows(address);
  if (asks) places_.note("asks for what is behind the rows");
  LlvmValue* start = nullptr;
  for (unsigned c = 0; c < count; ++c) {
    start = places_.row_pointer(address, c, e.low, start);
    if (asks) ask_behind_row(start);
    // One wide load for each scalar type that occurs.
    std::unordered_map<LlvmType*, LlvmValue*> blocks;
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      LlvmType* type = places_.memory_type(leaves[i].type);
      LlvmValue*& block = blocks[type];
      if (!block)
        block =
            places_.annotate(b_.CreateAlignedLoad(llvm::FixedVectorType::get(type, lanes), start,
                                                  Align(std::min<std::int64_t>(size, 4))),
                             address);
      LlvmValue* value = block;
      if (step > 1) {
        llvm::SmallVector<int, 64> pick;
        auto first = (static_cast<std::int64_t>(leaves[i].offset) - e.low) / size;
        for (unsigned l = 0; l < g_.width; ++l) pick.push_back(static_cast<int>(first + l * step));
        value = b_.CreateShuffleVector(block, pick);
      }
      out[i].v.push_back(places_.from_memory(value, leaves[i].type));
    }
  }
  if (!slow) return out;
  lanes_.join_robust(address, leaves, slow, done, out);
  return out;
}

void Strides::store_vector(const Address& address, LlvmValue* pointer, LlvmValue* value,
                           LlvmValue* mask, unsigned align) {
  auto* constant = mask ? llvm::dyn_cast<llvm::Constant>(mask) : nullptr;
  if (!mask || (constant && constant->isAllOnesValue())) {
    places_.annotate(b_.CreateAlignedStore(value, pointer, Align(align)), address);
    return;
  }
  places_.annotate(b_.CreateMaskedStore(value, pointer, Align(align), mask), address);
}

void Strides::store_affine(const Address& address, const std::vector<PlacedLeaf>& leaves,
                           const Leaves& value) {
  std::int64_t step = interleave(*p_.module, address, leaves);
  bool dense = step > 0 && step == static_cast<std::int64_t>(leaves.size());
  unsigned size = scalar_size(*p_.module, leaves[0].type);
  // Where masked stores are slow, one of each lane takes less (on Zen 4 with AVX2, eight words two
  // places apart: 2.2 ns for 9.7).
  const bool apart = t_.slow_masked_stores &&
                     lanes_.may_write_out(static_cast<unsigned>(g_.chunks * leaves.size()));
  bool sparse = step > 0 && step <= kMaxGap && t_.masks(size) && !apart;
  if ((!dense && !sparse) || !b_.has(Part::kWideAccesses))
    return store_strided(address, leaves, value);
  places_.note(step == 1                               ? "store contiguous"
               : makes_words(*p_.module, step, leaves) ? "store words"
               : dense                                 ? "store interleaved"
                                                       : "store with gaps",
               address, leaves);
  Extent e = extent_of(*p_.module, leaves);
  // Without masked stores for such elements, all have to be there.
  bool together = !t_.masks(size) && !b_.is_full(at_.mask);
  bool by_chunk = address.offset.s.varies_by_chunk() || at_.mask.s.varies_by_chunk();
  for (const auto& leaf : value) by_chunk |= leaf.s.varies_by_chunk();
  BasicBlock *slow = nullptr, *done = nullptr;
  if (address.limit || together) {
    BasicBlock* fast = BasicBlock::Create(cx_, "inside", at_.function);
    slow = BasicBlock::Create(cx_, "edge", at_.function);
    done = BasicBlock::Create(cx_, "written", at_.function);
    LlvmValue* inside =
        address.limit ? places_.range_in_bounds(address, e.low, e.high) : b_.getTrue();
    if (together) inside = b_.CreateAnd(inside, b_.all(at_.mask));
    b_.CreateCondBr(inside, fast, slow, likely_weights(cx_));
    b_.SetInsertPoint(fast);
  }
  LlvmType* type = places_.memory_type(leaves[0].type);
  LlvmValue* start = nullptr;
  for (unsigned c = 0; c < (by_chunk ? g_.chunks : 1); ++c) {
    LlvmValue* mask = b_.is_full(at_.mask) || together ? nullptr : b_.mask_vector(c);
    LlvmValue* data = nullptr;
    if (step == 1) {
      data = places_.to_memory(b_.vector_of(value[0], c));
    } else if (makes_words(*p_.module, step, leaves)) {
      LlvmValues parts;
      for (const auto& leaf : value) parts.push_back(b_.vector_of(leaf, c));
      data = b_.pack_word(parts);
    } else {
      // Interleave: component k of lane l goes to l * step + k.
      auto total = static_cast<unsigned>(g_.width * step);
      LlvmType* block = llvm::FixedVectorType::get(type, total);
      data = llvm::PoisonValue::get(block);
      for (std::size_t i = 0; i < leaves.size(); ++i) {
        auto k = (static_cast<std::int64_t>(leaves[i].offset) - e.low) / size;
        LlvmValue* v =
            b_.CreateBitCast(places_.to_memory(b_.vector_of(value[i], c)), b_.wide(type));
        llvm::SmallVector<int, 128> spread(total, -1), mix(total);
        for (unsigned l = 0; l < g_.width; ++l)
          spread[static_cast<std::size_t>(l * step + k)] = static_cast<int>(l);
        LlvmValue* there = b_.CreateShuffleVector(v, spread);
        for (unsigned n = 0; n < total; ++n)
          mix[n] = static_cast<int>(n % step == k ? total + n : n);
        data = i == 0 ? there : b_.CreateShuffleVector(data, there, mix);
      }
      if (mask || !dense) {
        // What lies between the components is not touched.
        llvm::SmallVector<bool, 16> there(static_cast<std::size_t>(step), false);
        for (const auto& leaf : leaves)
          there[static_cast<std::size_t>((static_cast<std::int64_t>(leaf.offset) - e.low) / size)] =
              true;
        llvm::SmallVector<int, 128> repeat;
        for (unsigned n = 0; n < total; ++n)
          repeat.push_back(static_cast<int>(there[n % step] ? n / step : g_.width));
        LlvmType* bits = b_.wide(b_.getInt1Ty());
        if (!mask) mask = llvm::Constant::getAllOnesValue(bits);
        mask = b_.CreateShuffleVector(mask, llvm::Constant::getNullValue(bits), repeat);
      }
    }
    start = places_.row_pointer(address, c, e.low, start);
    // A row of this thread's own memory is read and written back: what a masked store has written
    // cannot be read before it is in the cache (Zen 4, rows that are read again behind 2, 8 and 16
    // others: 3.3, 1.0 and 0.65 ns for 1.8, 0.55 and 0.6 with a blend), if it is quick at all.
    if (mask && dense && address.space == Space::kWorkgroup && t_.masks(size) &&
        !address.is_volatile) {
      const Align align(std::min(size, 4u));
      data = b_.CreateSelect(
          mask, data,
          places_.annotate(b_.CreateAlignedLoad(data->getType(), start, align), address));
      mask = nullptr;
    }
    store_vector(address, start, data, mask, std::min(size, 4u));
  }
  if (slow) lanes_.store_robust(address, leaves, value, slow, done);
}

}  // namespace sokr::cpu
