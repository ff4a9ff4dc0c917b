// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/emitter.hpp"
#include "compiler/transfer.hpp"

namespace sokr::cpu {

using llvm::Align;

namespace {

constexpr std::int64_t kMaxInterleave = 8;
constexpr std::int64_t kMaxGap = 4;  // elements a lane in a store that leaves some alone

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

void ask_behind_row(llvm::IRBuilder<>& b, LlvmValue* row) {
  LlvmValue* behind = b.CreateConstGEP1_64(b.getInt8Ty(), row, kBytesBehindRow);
  constexpr std::uint32_t kAllLevels = 3;
  b.CreateIntrinsic(llvm::Intrinsic::prefetch, {b.getPtrTy()},
                    {behind, b.getInt32(0), b.getInt32(kAllLevels), b.getInt32(1)});
}

// Of neighbouring invocations.
std::int64_t interleave(const spirv::Module& module, const Address& address,
                        const std::vector<PlacedLeaf>& leaves) {
  return elements_apart(module, address.offset.s.ls, leaves);
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

LlvmType* Emitter::memory_type(Id scalar) const {
  LlvmType* type = scalar_type(scalar);
  if (type->isHalfTy() && !t_.half) return b_.getInt16Ty();  // halves would pass through calls
  return type->isIntegerTy(1) ? b_.getInt32Ty() : type;
}

LlvmValue* Emitter::to_memory(LlvmValue* value) {
  if (value->getType()->getScalarType()->isHalfTy() && !t_.half)
    return b_.CreateBitCast(value, value->getType()->getWithNewType(b_.getInt16Ty()));
  if (!value->getType()->getScalarType()->isIntegerTy(1)) return value;
  return b_.CreateZExt(value, value->getType()->getWithNewBitWidth(32));
}

LlvmValue* Emitter::from_memory(LlvmValue* value, Id scalar) {
  LlvmType* type = scalar_type(scalar);
  if (type->isHalfTy()) return b_.CreateBitCast(value, value->getType()->getWithNewType(type));
  if (!type->isIntegerTy(1)) return value;
  return b_.CreateICmpNE(value, llvm::Constant::getNullValue(value->getType()));
}

template <class Instruction>
Instruction* Emitter::annotate(Instruction* inst, const Address& address) {
  if (address.alias_scope >= 0 && alias_domain_) {
    llvm::SmallVector<llvm::Metadata*, 8> others;
    for (std::size_t i = 0; i < alias_scopes_.size(); ++i)
      if (static_cast<int>(i) != address.alias_scope) others.push_back(alias_scopes_[i]);
    inst->setMetadata(
        llvm::LLVMContext::MD_alias_scope,
        llvm::MDNode::get(cx_, {alias_scopes_[static_cast<std::size_t>(address.alias_scope)]}));
    inst->setMetadata(llvm::LLVMContext::MD_noalias, llvm::MDNode::get(cx_, others));
  }
  if (auto* load = llvm::dyn_cast<llvm::LoadInst>(inst)) {
    if (address.invariant)
      load->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(cx_, {}));
    load->setVolatile(address.is_volatile);
  }
  if (auto* store = llvm::dyn_cast<llvm::StoreInst>(inst)) store->setVolatile(address.is_volatile);
  return inst;
}

template llvm::LoadInst* Emitter::annotate(llvm::LoadInst* inst, const Address& address);
template llvm::StoreInst* Emitter::annotate(llvm::StoreInst* inst, const Address& address);
template llvm::CallInst* Emitter::annotate(llvm::CallInst* inst, const Address& address);

// Is all that a wide access touches known to be in range? Not for what goes lane by lane.
bool Emitter::is_proven(const Address& address, const std::vector<PlacedLeaf>& leaves) const {
  if (address.scale || !address.offset.s.affine || !address.limit) return false;
  Extent e = extent_of(*p_.module, leaves);
  return is_inside(address, e.low, std::max(e.high, e.low + address.offset.s.ls));
}

// ---- Loads ------------------------------------------------------------------------------------

Leaves Emitter::load_memory(Address address, Id type) {
  address.placed.type = type;
  std::vector<PlacedLeaf> leaves;
  placed_leaves(*p_.module, address.placed, 0, leaves);
  return leaves.empty() ? Leaves{} : load_leaves(std::move(address), leaves);
}

Leaves Emitter::load_leaves(Address address, const std::vector<PlacedLeaf>& leaves) {
  if (const auto words = words_of(address, leaves); !words.empty())
    return split_words(load_leaves(address, words), leaves);
  bool trusted = !o_.robust && is_full(mask_) && address.space != Space::kDynamic;
  if (!is_scalar_address(address) && is_patterned(address, leaves)) {
    note("load by register cache", address, leaves);
    return load_pattern(address, leaves);
  }
  if (is_scalar_address(address))
    if (auto known = load_single(address, leaves)) {
      note("load by register cache", address, leaves);
      return *known;
    }
  release_held(address);
  if (Rows rows = table_rows(address, leaves); !rows.places.empty()) {
    note("load table rows", address, leaves);
    return load_table_rows(address, leaves, rows);
  }
  if (trusted || is_proven(address, leaves)) address.limit = nullptr;
  if (is_scalar_address(address)) {
    bool parts = has(Part::kChunkRows) && address.parts && !address.own.v.empty() &&
                 address.limit && address.offset.s.chunk;
    bool rows = parts || has_even_rows(address);
    note(rows ? "load chunk rows" : "load scalar", address, leaves);
    return rows ? load_rows(address, leaves) : load_uniform(address, leaves);
  }
  if (has_element_function(address, leaves, false)) return load_by_function(address, leaves);
  bool affine = !address.scale && address.offset.s.affine && address.space != Space::kDynamic &&
                address.space != Space::kPhysical;
  if (affine) return load_affine(address, leaves);
  if (address.space == Space::kPhysical && address.offset.s.affine && is_full(mask_))
    return load_affine(address, leaves);
  if (const auto order = order_of(address, leaves, false))
    return load_runs(address, leaves, *order);
  return load_apart(address, leaves);
}

Leaves Emitter::load_affine(const Address& address, const std::vector<PlacedLeaf>& leaves) {
  std::int64_t step = interleave(*p_.module, address, leaves);
  if (!step || !has(Part::kWideAccesses)) return load_strided(address, leaves);
  if (makes_words(*p_.module, step, leaves)) return load_words(address, leaves);
  note(step == 1 ? "load contiguous" : "load interleaved", address, leaves);
  Extent e = extent_of(*p_.module, leaves);
  std::int64_t ls = address.offset.s.ls;
  bool by_chunk = address.offset.s.varies_by_chunk();
  unsigned count = by_chunk ? g_.chunks : 1;
  BasicBlock *slow = nullptr, *done = nullptr;
  if (address.limit) {
    BasicBlock* fast = BasicBlock::Create(cx_, "inside", fn_);
    slow = BasicBlock::Create(cx_, "edge", fn_);
    done = BasicBlock::Create(cx_, "read", fn_);
    LlvmValue* inside = range_in_bounds(address, e.low, e.low + ls);
    b_.CreateCondBr(inside, fast, slow, llvm::MDBuilder(cx_).createLikelyBranchWeights());
    b_.SetInsertPoint(fast);
  }
  Leaves out(leaves.size());
  for (auto& leaf : out) leaf.s = Shape::varying(by_chunk);
  std::int64_t size = scalar_size(*p_.module, leaves[0].type);
  auto lanes = static_cast<unsigned>(g_.width * step);
  const bool asks = has(Part::kRowPrefetch) && address.space == Space::kBuffer &&
                    address.offset.s.chunk && cold_ == 0 && careful_ == 0 &&
                    (innermost_loop(p_, block_) == kNone || is_staging(p_, block_));
  if (asks) note("asks for what is behind the rows");
  LlvmValue* start = nullptr;
  for (unsigned c = 0; c < count; ++c) {
    start = row_pointer(address, c, e.low, start);
    if (asks) ask_behind_row(b_, start);
    // One wide load for each scalar type that occurs.
    std::unordered_map<LlvmType*, LlvmValue*> blocks;
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      LlvmType* type = memory_type(leaves[i].type);
      LlvmValue*& block = blocks[type];
      if (!block)
        block = annotate(b_.CreateAlignedLoad(llvm::FixedVectorType::get(type, lanes), start,
                                              Align(std::min<std::int64_t>(size, 4))),
                         address);
      LlvmValue* value = block;
      if (step > 1) {
        llvm::SmallVector<int, 64> pick;
        auto first = (static_cast<std::int64_t>(leaves[i].offset) - e.low) / size;
        for (unsigned l = 0; l < g_.width; ++l) pick.push_back(static_cast<int>(first + l * step));
        value = b_.CreateShuffleVector(block, pick);
      }
      out[i].v.push_back(from_memory(value, leaves[i].type));
    }
  }
  if (!slow) return out;
  join_careful(address, leaves, slow, done, out);
  return out;
}

// Ends the block in which `out` was made and adds the way by `slow`, on which lanes are tested one
// by one. What follows is in `done`.
void Emitter::join_careful(const Address& address, const std::vector<PlacedLeaf>& leaves,
                           BasicBlock* slow, BasicBlock* done, Leaves& out) {
  BasicBlock* fast_end = b_.GetInsertBlock();
  b_.CreateBr(done);
  b_.SetInsertPoint(slow);
  ++careful_;
  Leaves careful = load_gather(address, leaves);
  --careful_;
  LlvmValues others;
  for (std::size_t i = 0; i < out.size(); ++i)
    for (unsigned c = 0; c < out[i].v.size(); ++c) others.push_back(vector_of(careful[i], c));
  BasicBlock* slow_end = b_.GetInsertBlock();
  b_.CreateBr(done);
  b_.SetInsertPoint(done);
  auto other = others.begin();
  for (auto& leaf : out)
    for (auto& value : leaf.v) {
      auto* phi = b_.CreatePHI(value->getType(), 2);
      phi->addIncoming(value, fast_end);
      phi->addIncoming(*other++, slow_end);
      value = phi;
    }
}

Leaves Emitter::load_gather(const Address& address, const std::vector<PlacedLeaf>& leaves) {
  bool by_chunk =
      address.offset.s.varies_by_chunk() || (address.scale && address.index.s.varies_by_chunk());
  if (address.space == Space::kDynamic)
    by_chunk |= address.begin.s.varies_by_chunk() || address.size.s.varies_by_chunk();
  bool unlimited =
      address.space == Space::kPhysical || (!address.limit && address.space != Space::kDynamic);
  if (unlimited && !is_full(mask_)) by_chunk |= mask_.s.varies_by_chunk();
  Leaves out(leaves.size());
  for (auto& leaf : out) leaf.s = Shape::varying(by_chunk);
  for (unsigned c = 0; c < (by_chunk ? g_.chunks : 1); ++c) {
    // Whoever is in range may read, active or not.
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      LlvmType* type = memory_type(leaves[i].type);
      unsigned size = scalar_size(*p_.module, leaves[i].type);
      auto offset = static_cast<std::int64_t>(leaves[i].offset);
      bool contiguous = !address.scale && address.offset.s.affine &&
                        address.space != Space::kDynamic && address.offset.s.ls == size;
      bool masked = contiguous && t_.masks(size);
      bool single = !masked && !has_gather(size);
      bool written_out = single && is_written_out(1);
      LlvmValue* value = nullptr;
      if ((single && !written_out) || calls_builtin(address, type, false)) {
        LlvmValue* who = unlimited && !is_full(mask_) ? mask_vector(c) : nullptr;
        value = call_lanes(address, c, offset, type, who, nullptr);
      } else {
        LlvmValue* mask =
            unlimited ? mask_vector(c) : lane_in_bounds(address, c, offset, offset + size);
        if (masked)
          value = annotate(b_.CreateMaskedLoad(wide(type), element_pointer(address, c, offset),
                                               Align(std::min(size, 4u)), mask,
                                               llvm::Constant::getNullValue(wide(type))),
                           address);
        else if (written_out && !unlimited && address.scale && address.limit)
          value = load_lanes(address, c, offset, leaves[i].type, mask);
        else
          value = load_each(address, lane_pointers(address, c, offset), type, mask);
      }
      out[i].v.push_back(from_memory(value, leaves[i].type));
    }
  }
  return out;
}

// ---- Stores -------------------------------------------------------------------------------------

void Emitter::store_memory(Address address, const Leaves& value) {
  std::vector<PlacedLeaf> leaves;
  placed_leaves(*p_.module, address.placed, 0, leaves);
  if (leaves.empty() || leaves.size() != value.size()) {
    if (leaves.size() != value.size()) internal_error("a store's value and place differ in size");
    return;
  }
  store_leaves(std::move(address), leaves, value);
}

void Emitter::store_leaves(Address address, const std::vector<PlacedLeaf>& leaves,
                           const Leaves& value) {
  if (const auto words = words_of(address, leaves); !words.empty())
    return store_leaves(address, words, packed_words(value, leaves, words.size()));
  bool trusted = !o_.robust && is_full(mask_) && address.space != Space::kDynamic;
  if (is_scalar_address(address)) {
    if (store_single(address, leaves, value))
      return note("store by register cache", address, leaves);
    release_held(address);
    if (trusted || is_proven(address, leaves)) address.limit = nullptr;
    note("store scalar", address, leaves);
    return store_uniform(address, leaves, value);
  }
  if (is_patterned(address, leaves) && store_pattern(address, leaves, value))
    return note("store by register cache", address, leaves);
  release_held(address);
  if (Rows rows = table_rows(address, leaves);
      !rows.places.empty() && store_table_rows(address, leaves, value, rows))
    return note("store table rows", address, leaves);
  if (trusted || is_proven(address, leaves)) address.limit = nullptr;
  if (has_element_function(address, leaves, true)) return store_by_function(address, leaves, value);
  bool affine = !address.scale && address.offset.s.affine && address.space != Space::kDynamic;
  if (affine) return store_affine(address, leaves, value);
  if (const auto order = order_of(address, leaves, true))
    return store_runs(address, leaves, value, *order);
  if (has_table_elements(address, leaves)) return store_table(address, leaves, value);
  note("store scatter", address, leaves);
  store_scatter(address, leaves, value);
}

// Everyone writes one place: one of those who are there wins.
void Emitter::store_uniform(const Address& address, const std::vector<PlacedLeaf>& leaves,
                            const Leaves& value) {
  bool checked = address.limit || address.space == Space::kDynamic;
  if (leaves.size() > 1 && checked) {
    for (std::size_t i = 0; i < leaves.size(); ++i) store_uniform(address, {leaves[i]}, {value[i]});
    return;
  }
  Extent e = extent_of(*p_.module, leaves);
  bool by_chunk = address.offset.s.varies_by_chunk() || mask_.s.varies_by_chunk();
  bool by_lane = false;
  if (address.space == Space::kDynamic)
    by_chunk |= address.begin.s.varies_by_chunk() || address.size.s.varies_by_chunk();
  for (const auto& leaf : value) {
    by_chunk |= leaf.s.varies_by_chunk();
    by_lane |= leaf.s.varies_by_lane();
  }
  bool one_value = !by_lane && !address.offset.s.varies_by_chunk();
  for (const auto& leaf : value) one_value &= !leaf.s.varies_by_chunk();
  if (address.space == Space::kDynamic) one_value &= address.begin.s.is_uniform();
  for (unsigned c = 0; c < (by_chunk && !one_value ? g_.chunks : 1); ++c) {
    LlvmValue* good = nullptr;
    LlvmValue* lane = nullptr;
    if (!is_full(mask_)) {
      if (one_value) {
        good = any(mask_);
      } else {
        LlvmValue* bits = mask_bits(mask_vector(c));
        good = b_.CreateICmpNE(bits, llvm::Constant::getNullValue(bits->getType()));
        if (by_lane) lane = b_.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, bits, b_.getFalse());
      }
    }
    if (address.limit || address.space == Space::kDynamic) {
      Address one = address;
      one.offset = constant_val(base_of(address.offset, c));
      if (!one.limit) one.limit = base_of(address.size, c);
      LlvmValue* inside = range_in_bounds(one, e.low, e.high);
      good = good ? b_.CreateAnd(good, inside) : inside;
    }
    BasicBlock* done = nullptr;
    if (good) {
      BasicBlock* write = BasicBlock::Create(cx_, "inside", fn_);
      done = BasicBlock::Create(cx_, "written", fn_);
      b_.CreateCondBr(good, write, done);
      b_.SetInsertPoint(write);
    }
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      LlvmValue* v = nullptr;
      if (lane && value[i].s.varies_by_lane())
        v = b_.CreateExtractElement(vector_of(value[i], c), lane);
      else
        v = base_of(value[i], c);
      unsigned size = scalar_size(*p_.module, leaves[i].type);
      annotate(b_.CreateAlignedStore(
                   to_memory(v),
                   element_pointer(address, c, static_cast<std::int64_t>(leaves[i].offset)),
                   Align(std::min(size, 4u))),
               address);
    }
    if (done) {
      b_.CreateBr(done);
      b_.SetInsertPoint(done);
    }
  }
}

void Emitter::store_vector(const Address& address, LlvmValue* pointer, LlvmValue* value,
                           LlvmValue* mask, unsigned align) {
  auto* constant = mask ? llvm::dyn_cast<llvm::Constant>(mask) : nullptr;
  if (!mask || (constant && constant->isAllOnesValue())) {
    annotate(b_.CreateAlignedStore(value, pointer, Align(align)), address);
    return;
  }
  annotate(b_.CreateMaskedStore(value, pointer, Align(align), mask), address);
}

void Emitter::store_affine(const Address& address, const std::vector<PlacedLeaf>& leaves,
                           const Leaves& value) {
  std::int64_t step = interleave(*p_.module, address, leaves);
  bool dense = step > 0 && step == static_cast<std::int64_t>(leaves.size());
  unsigned size = scalar_size(*p_.module, leaves[0].type);
  bool sparse = step > 0 && step <= kMaxGap && t_.masks(size);
  if ((!dense && !sparse) || !has(Part::kWideAccesses))
    return store_strided(address, leaves, value);
  note(step == 1                               ? "store contiguous"
       : makes_words(*p_.module, step, leaves) ? "store words"
       : dense                                 ? "store interleaved"
                                               : "store with gaps",
       address, leaves);
  Extent e = extent_of(*p_.module, leaves);
  // Without masked stores for such elements, all have to be there.
  bool together = !t_.masks(size) && !is_full(mask_);
  bool by_chunk = address.offset.s.varies_by_chunk() || mask_.s.varies_by_chunk();
  for (const auto& leaf : value) by_chunk |= leaf.s.varies_by_chunk();
  BasicBlock *slow = nullptr, *done = nullptr;
  if (address.limit || together) {
    BasicBlock* fast = BasicBlock::Create(cx_, "inside", fn_);
    slow = BasicBlock::Create(cx_, "edge", fn_);
    done = BasicBlock::Create(cx_, "written", fn_);
    LlvmValue* inside = address.limit ? range_in_bounds(address, e.low, e.high) : b_.getTrue();
    if (together) inside = b_.CreateAnd(inside, all(mask_));
    b_.CreateCondBr(inside, fast, slow, llvm::MDBuilder(cx_).createLikelyBranchWeights());
    b_.SetInsertPoint(fast);
  }
  LlvmType* type = memory_type(leaves[0].type);
  LlvmValue* start = nullptr;
  for (unsigned c = 0; c < (by_chunk ? g_.chunks : 1); ++c) {
    LlvmValue* mask = is_full(mask_) || together ? nullptr : mask_vector(c);
    LlvmValue* data = nullptr;
    if (step == 1) {
      data = to_memory(vector_of(value[0], c));
    } else if (makes_words(*p_.module, step, leaves)) {
      LlvmValues parts;
      for (const auto& leaf : value) parts.push_back(vector_of(leaf, c));
      data = pack_word(parts);
    } else {
      // Interleave: component k of lane l goes to l * step + k.
      auto total = static_cast<unsigned>(g_.width * step);
      LlvmType* block = llvm::FixedVectorType::get(type, total);
      data = llvm::PoisonValue::get(block);
      for (std::size_t i = 0; i < leaves.size(); ++i) {
        auto k = (static_cast<std::int64_t>(leaves[i].offset) - e.low) / size;
        LlvmValue* v = b_.CreateBitCast(to_memory(vector_of(value[i], c)), wide(type));
        llvm::SmallVector<int, 128> spread(total, -1), mix(total);
        for (unsigned l = 0; l < g_.width; ++l)
          spread[static_cast<std::size_t>(l * step + k)] = static_cast<int>(l);
        LlvmValue* apart = b_.CreateShuffleVector(v, spread);
        for (unsigned n = 0; n < total; ++n)
          mix[n] = static_cast<int>(n % step == k ? total + n : n);
        data = i == 0 ? apart : b_.CreateShuffleVector(data, apart, mix);
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
        LlvmType* bits = wide(b_.getInt1Ty());
        if (!mask) mask = llvm::Constant::getAllOnesValue(bits);
        mask = b_.CreateShuffleVector(mask, llvm::Constant::getNullValue(bits), repeat);
      }
    }
    start = row_pointer(address, c, e.low, start);
    // A row of this thread's own memory is read and written back, where a masked store is slow.
    if (mask && dense && address.space == Space::kWorkgroup && t_.isa == Isa::kAvx2 &&
        !address.is_volatile) {
      const Align align(std::min(size, 4u));
      data = b_.CreateSelect(
          mask, data, annotate(b_.CreateAlignedLoad(data->getType(), start, align), address));
      mask = nullptr;
    }
    store_vector(address, start, data, mask, std::min(size, 4u));
  }
  if (slow) store_careful(address, leaves, value, slow, done);
}

// Ends a block that stores, and adds the way by `slow`, on which lanes are tested one by one.
void Emitter::store_careful(const Address& address, const std::vector<PlacedLeaf>& leaves,
                            const Leaves& value, BasicBlock* slow, BasicBlock* done) {
  b_.CreateBr(done);
  b_.SetInsertPoint(slow);
  ++careful_;
  store_scatter(address, leaves, value);
  --careful_;
  b_.CreateBr(done);
  b_.SetInsertPoint(done);
}

void Emitter::store_scatter(const Address& address, const std::vector<PlacedLeaf>& leaves,
                            const Leaves& value) {
  bool unlimited =
      address.space == Space::kPhysical || (!address.limit && address.space != Space::kDynamic);
  for (unsigned c = 0; c < g_.chunks; ++c) {
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      unsigned size = scalar_size(*p_.module, leaves[i].type);
      auto offset = static_cast<std::int64_t>(leaves[i].offset);
      LlvmValue* v = to_memory(vector_of(value[i], c));
      bool contiguous = !address.scale && address.offset.s.affine &&
                        address.space != Space::kDynamic && address.offset.s.ls == size;
      bool masked = contiguous && t_.masks(size);
      if ((!masked && !has_scatter(size) && !is_written_out(1)) ||
          calls_builtin(address, v->getType()->getScalarType(), true)) {
        call_lanes(address, c, offset, v->getType()->getScalarType(), mask_vector(c), v);
        continue;
      }
      LlvmValue* mask = mask_vector(c);
      if (!unlimited) mask = b_.CreateAnd(mask, lane_in_bounds(address, c, offset, offset + size));
      if (masked)
        annotate(b_.CreateMaskedStore(v, element_pointer(address, c, offset),
                                      Align(std::min(size, 4u)), mask),
                 address);
      else
        store_each(address, lane_pointers(address, c, offset), v, mask);
    }
  }
}

// ---- Instructions
// --------------------------------------------------------------------------------

Leaves Emitter::load_through(Id pointer, Id type) {
  Id root = root_of(p_, pointer);
  const spirv::Variable* variable = p_.module->variable(root);
  auto place = private_place(p_, pointer);
  if (variable && variable->builtin) {
    Leaves out;
    std::uint32_t count = leaf_count(*p_.module, type);
    if (place && place->leaf) {
      for (std::uint32_t i = 0; i < count; ++i)
        out.push_back(builtin_leaf(*variable->builtin, *place->leaf + i));
      return out;
    }
    // A component chosen at run time.
    std::uint32_t all = leaf_count(*p_.module, variable->pointee);
    const Inst* chain = p_.inst(look_through(p_, pointer));
    Leaves index = get(chain->args[1]);
    Val chosen = builtin_leaf(*variable->builtin, 0);
    for (std::uint32_t i = 1; i < all; ++i) {
      Val hit = equals(index[0], i);
      Val other = builtin_leaf(*variable->builtin, i);
      Divergence d =
          merged(merged(divergence_of(hit.s), divergence_of(other.s)), divergence_of(chosen.s));
      chosen = apply(shape_of(d), {&hit, &other, &chosen}, [&](llvm::ArrayRef<LlvmValue*> v) {
        return b_.CreateSelect(v[0], v[1], v[2]);
      });
    }
    return {chosen};
  }
  if (place) return load_private(*place, pointer, type);
  return load_memory(address_of(pointer), type);
}

void Emitter::store_through(Id pointer, const Leaves& value) {
  if (auto place = private_place(p_, pointer)) return store_private(*place, pointer, value);
  store_memory(address_of(pointer), value);
}

void Emitter::emit_load(const Inst& inst) {
  if (load_together(inst)) return;
  const std::uint32_t loop = innermost_loop(p_, block_);
  const spirv::Variable* variable = p_.module->variable(root_of(p_, inst.args[0]));
  steady_load_ = g_.lanes() == 1 && loop != kNone && variable &&
                 keeps_values(*p_.module, *variable, o_.assume_no_alias) &&
                 is_led_from_outside(loop, inst.args[0]);
  Leaves value = load_through(inst.args[0], inst.type);
  steady_load_ = false;
  set(inst.id, std::move(value));
}

void Emitter::emit_store(const Inst& inst) {
  if (const Id type = p_.type_of(inst.args[1]); is_large(*p_.module, type))
    return emit_copy(inst.args[0], inst.args[1], 0, type);
  if (store_together(inst)) return;
  Leaves value = get(inst.args[1]);
  store_through(inst.args[0], value);
}

void Emitter::emit_copy_memory(const Inst& inst) {
  const spirv::Type* from = p_.module->type(p_.type_of(inst.args[1]));
  if (!from) return;
  Leaves value = load_through(inst.args[1], from->element);
  store_through(inst.args[0], value);
}

// May 32 bits with their sign be too few for an index that is in range? It then has its own 64
// bits in each invocation, signed as its type is: what is affine in 32 bits may wrap.
bool Emitter::is_wide_term(const Address& address, Id index, std::int64_t stride) const {
  if (o_.size_shift == 0 || stride <= 0 || stride >> o_.size_shift != 0) return false;
  const spirv::Type* type = p_.module->type(p_.type_of(index));
  const bool is_buffer = address.space == Space::kBuffer || address.space == Space::kDynamic;
  const spirv::Constant* constant = p_.constant(index);
  return is_buffer && type && type->width <= 32 && !(constant && constant->bits <= INT32_MAX);
}

void Emitter::add_wide_term(Address& address, Id index, const Val& value, std::int64_t stride) {
  const bool is_signed = p_.module->type(p_.type_of(index))->is_signed;
  address.reach.reset();
  address.counted = address.parts = address.even = false;
  const Shape shape = value.s.is_uniform() ? value.s : shape_of(divergence_of(value.s));
  Val wide_index = apply(shape, {&value}, [&](llvm::ArrayRef<LlvmValue*> v) {
    LlvmType* type = v[0]->getType()->getWithNewBitWidth(64);
    return is_signed ? b_.CreateSExt(v[0], type) : b_.CreateZExt(v[0], type);
  });
  add_term(address, wide_index, b_.getInt64Ty(), stride);
}

void Emitter::emit_array_length(const Inst& inst) {
  Address address = address_of(inst.args[0]);
  std::uint64_t offset = 0;
  Placed array = placed_part(*p_.module, address.placed, inst.args[1], &offset);
  std::uint64_t stride = std::max<std::uint64_t>(1, placed_stride(*p_.module, array));
  Val size = address.limit ? constant_val(address.limit) : address.size;
  Shape shape = shape_of(divergence_of(size.s));
  set(inst.id, {apply(shape, {&size}, [&](llvm::ArrayRef<LlvmValue*> v) {
        LlvmValue* at = integer_like(v[0]->getType(), offset);
        LlvmValue* left = b_.CreateBinaryIntrinsic(llvm::Intrinsic::usub_sat, v[0], at);
        LlvmValue* count = b_.CreateUDiv(left, integer_like(v[0]->getType(), stride));
        if (o_.size_shift != 0)  // as many as the result can say
          count = b_.CreateBinaryIntrinsic(llvm::Intrinsic::umin, count,
                                           integer_like(v[0]->getType(), UINT32_MAX));
        return b_.CreateTrunc(count, v[0]->getType()->getWithNewBitWidth(32));
      })});
}

}  // namespace sokr::cpu
