// SPDX-License-Identifier: MIT OR Apache-2.0
//
// One element for each lane, where the processor has no instruction that takes or puts them all:
// none has one for elements below 32 bits. LLVM makes a test and a jump for each lane of a masked
// gather or scatter, and takes minutes for some thousands of those. Here lanes that do not take
// part read zeros or write to a place that nobody looks at, so that there are no branches. A
// kernel with many such accesses, and the copies of accesses that test lane by lane, call one
// function for each kind of access.
#include "compiler/elements.hpp"
#include "compiler/emitter.hpp"
#include "compiler/transfer.hpp"

namespace sokr::cpu {

using llvm::Align;

bool Emitter::has_gather(unsigned size) const {
  return size >= 4 && t_.gathers;
}

bool Emitter::has_scatter(unsigned size) const {
  return size >= 4 && t_.isa == Isa::kAvx512;
}

// May so many accesses of a register be written out here, lane by lane? Not where lanes are tested
// one by one, or for those who have parted.
bool Emitter::is_written_out(unsigned accesses) {
  const std::uint64_t lanes = std::uint64_t{accesses} * g_.width;
  if (careful_ > 0 || cold_ > 0 || written_out_ + lanes > kMostWrittenOut) return false;
  written_out_ += lanes;
  return true;
}

// Where lanes write that do not take part.
LlvmValue* Emitter::dump_place() {
  if (!dump_) {
    llvm::IRBuilder<> at(entry_, entry_->begin());
    auto* place = at.CreateAlloca(at.getInt64Ty());
    place->setAlignment(Align(8));
    dump_ = place;
  }
  return dump_;
}

// The function for one kind of access. It takes how lanes lie, a bit for each lane that takes part,
// and for a store the elements:
//   steps: base, offset of the first lane, distance, end of offsets, bits
//   indices: base, offset, scale, end, bits, indices (i32)
//   pointers: bits, pointers
std::string Emitter::lane_function_name(Lying how, LlvmType* element, bool is_store,
                                        bool is_volatile) const {
  static constexpr const char* kNames[] = {"steps", "indices", "pointers"};
  return fmt::format("{}_{}_{}{}{}.v{}", is_store ? "store" : "load", kNames[static_cast<int>(how)],
                     element->isIntegerTy() ? 'i' : 'f', element->getScalarSizeInBits(),
                     is_volatile ? "_v" : "", g_.width);
}

llvm::Function* Emitter::lane_function(Lying how, LlvmType* element, bool is_store,
                                       bool is_volatile) {
  const std::string name = lane_function_name(how, element, is_store, is_volatile);
  llvm::Function*& function = lane_functions_[name];
  if (function) return function;
  LlvmType *i64 = b_.getInt64Ty(), *bits = b_.getIntNTy(g_.width);
  llvm::SmallVector<LlvmType*, 8> parameters;
  if (how != Lying::kPointers) parameters = {b_.getPtrTy(), i64, i64, i64};
  parameters.push_back(bits);
  if (how == Lying::kIndices) parameters.push_back(wide(b_.getInt32Ty()));
  if (how == Lying::kPointers) parameters.push_back(wide(b_.getPtrTy()));
  if (is_store) parameters.push_back(wide(element));
  auto* type =
      llvm::FunctionType::get(is_store ? b_.getVoidTy() : wide(element), parameters, false);
  function = llvm::Function::Create(type, llvm::GlobalValue::InternalLinkage, name, m_);
  function->setDoesNotThrow();
  function->addFnAttr("no-builtins");
  function->addFnAttr(llvm::Attribute::NoInline);
  if (!is_store && !is_volatile) function->setOnlyReadsMemory();
  if (is_builtin(name))
    function->setLinkage(llvm::GlobalValue::ExternalLinkage);
  else
    write_lane_function(*function, how, element, is_store, is_volatile);
  return function;
}

void Emitter::write_lane_function(llvm::Function& function, Lying how, LlvmType* element,
                                  bool is_store, bool is_volatile) {
  llvm::IRBuilder<> b(BasicBlock::Create(cx_, "entry", &function));
  LlvmType* i64 = wide(b.getInt64Ty());
  const unsigned size = element->getScalarSizeInBits() / 8, align = std::min(size, 4u);
  auto* argument = function.arg_begin() + (how == Lying::kPointers ? 0 : 4);
  LlvmValue* mask = b.CreateBitCast(argument++, wide(b.getInt1Ty()));
  LlvmValue* pointers = nullptr;
  if (how == Lying::kPointers) {
    pointers = argument++;
  } else {
    LlvmValue* numbers = how == Lying::kIndices ? argument++ : nullptr;
    if (numbers) {
      numbers = b.CreateSExt(numbers, i64);
    } else {
      llvm::SmallVector<llvm::Constant*, 16> lanes;
      for (unsigned l = 0; l < g_.width; ++l) lanes.push_back(b.getInt64(l));
      numbers = llvm::ConstantVector::get(lanes);
    }
    const auto splat = [&](unsigned n) {
      return b.CreateVectorSplat(g_.width, function.getArg(n));
    };
    LlvmValue* offsets = b.CreateAdd(splat(1), b.CreateMul(numbers, splat(2)));
    mask = b.CreateAnd(mask, b.CreateICmpULT(offsets, splat(3)));
    pointers = b.CreateGEP(b.getInt8Ty(), function.getArg(0), offsets);
  }
  LlvmValue* nowhere = zeros_;
  if (is_store) {
    auto* place = b.CreateAlloca(b.getInt64Ty());
    place->setAlignment(Align(8));
    nowhere = place;
  }
  pointers = b.CreateSelect(mask, pointers, b.CreateVectorSplat(g_.width, nowhere));
  LlvmValue* out = llvm::Constant::getNullValue(wide(element));
  for (unsigned l = 0; l < g_.width; ++l) {
    LlvmValue* at = b.CreateExtractElement(pointers, std::uint64_t{l});
    if (is_store)
      b.CreateAlignedStore(b.CreateExtractElement(argument, std::uint64_t{l}), at, Align(align),
                           is_volatile);
    else
      out = b.CreateInsertElement(out, b.CreateAlignedLoad(element, at, Align(align), is_volatile),
                                  std::uint64_t{l});
  }
  if (is_store)
    b.CreateRetVoid();
  else
    b.CreateRet(out);
}

Emitter::Lying Emitter::lying_of(const Address& address) {
  if (address.space == Space::kDynamic || address.space == Space::kPhysical ||
      !address.offset.s.affine)
    return Lying::kPointers;
  if (!address.scale) return Lying::kSteps;
  return address.offset.s.ls == 0 ? Lying::kIndices : Lying::kPointers;
}

// Where lanes are tested one by one, a draft calls what is compiled already: a few words in place
// of vectors of offsets.
bool Emitter::calls_builtin(const Address& address, LlvmType* element, bool is_store) const {
  return careful_ > 0 &&
         is_builtin(lane_function_name(lying_of(address), element, is_store, address.is_volatile));
}

// One access of a chunk by such a function: the elements `offset` bytes beside the address that are
// in range, of the lanes in the mask (null: all). `value` is null for a load.
LlvmValue* Emitter::call_lanes(const Address& address, unsigned chunk, std::int64_t offset,
                               LlvmType* element, LlvmValue* mask, LlvmValue* value) {
  const auto size = static_cast<std::int64_t>(element->getScalarSizeInBits() / 8);
  auto* everyone = llvm::Constant::getAllOnesValue(wide(b_.getInt1Ty()));
  llvm::SmallVector<LlvmValue*, 8> in;
  const Lying how = lying_of(address);
  if (how == Lying::kPointers) {
    if (LlvmValue* inside = address.limit || address.space == Space::kDynamic
                                ? lane_in_bounds(address, chunk, offset, offset + size)
                                : nullptr)
      mask = mask ? b_.CreateAnd(mask, inside) : inside;
    in = {mask_bits(mask ? mask : everyone), lane_pointers(address, chunk, offset)};
  } else {
    LlvmValue* first = b_.CreateAdd(base_of(address.offset, chunk),
                                    b_.getInt64(static_cast<std::uint64_t>(offset)));
    const std::int64_t distance = how == Lying::kIndices ? address.scale : address.offset.s.ls;
    LlvmValue* end = address.limit ? room(address.limit, size) : b_.getInt64(INT64_MAX);
    in = {address.base, first, b_.getInt64(static_cast<std::uint64_t>(distance)), end,
          mask_bits(mask ? mask : everyone)};
    if (how == Lying::kIndices) in.push_back(vector_of(address.index, chunk));
  }
  if (value) in.push_back(value);
  return b_.CreateCall(lane_function(how, element, value != nullptr, address.is_volatile), in);
}

// What each lane's pointer leads to; zero for lanes outside of the mask.
LlvmValue* Emitter::load_each(const Address& address, LlvmValue* pointers, LlvmType* element,
                              LlvmValue* mask) {
  const unsigned size = element->getScalarSizeInBits() / 8, align = std::min(size, 4u);
  if (has_gather(size))
    return annotate(b_.CreateMaskedGather(wide(element), pointers, Align(align), mask,
                                          llvm::Constant::getNullValue(wide(element))),
                    address);
  pointers = b_.CreateSelect(mask, pointers, b_.CreateVectorSplat(g_.width, zeros_));
  Address plain = address;
  plain.invariant = false;
  LlvmValue* out = llvm::Constant::getNullValue(wide(element));
  for (unsigned l = 0; l < g_.width; ++l) {
    LlvmValue* at = b_.CreateExtractElement(pointers, std::uint64_t{l});
    out = b_.CreateInsertElement(
        out, annotate(b_.CreateAlignedLoad(element, at, Align(align)), plain), std::uint64_t{l});
  }
  return out;
}

void Emitter::store_each(const Address& address, LlvmValue* pointers, LlvmValue* value,
                         LlvmValue* mask) {
  LlvmType* element = value->getType()->getScalarType();
  const unsigned size = element->getScalarSizeInBits() / 8, align = std::min(size, 4u);
  if (has_scatter(size)) {
    annotate(b_.CreateMaskedScatter(value, pointers, Align(align), mask), address);
    return;
  }
  auto* known = llvm::dyn_cast<llvm::Constant>(mask);
  if (!known || !known->isAllOnesValue())
    pointers = b_.CreateSelect(mask, pointers, b_.CreateVectorSplat(g_.width, dump_place()));
  for (unsigned l = 0; l < g_.width; ++l)
    annotate(
        b_.CreateAlignedStore(b_.CreateExtractElement(value, std::uint64_t{l}),
                              b_.CreateExtractElement(pointers, std::uint64_t{l}), Align(align)),
        address);
}

// The same for private memory and the like, by a function where they would be too many.
LlvmValue* Emitter::load_places_of(LlvmValue* pointers, LlvmType* element, LlvmValue* mask) {
  if (has_gather(element->getScalarSizeInBits() / 8) || is_written_out(1))
    return load_each({}, pointers, element, mask);
  return b_.CreateCall(lane_function(Lying::kPointers, element, false, false),
                       {mask_bits(mask), pointers});
}

void Emitter::store_places_of(LlvmValue* pointers, LlvmValue* value, LlvmValue* mask) {
  LlvmType* element = value->getType()->getScalarType();
  if (has_scatter(element->getScalarSizeInBits() / 8) || is_written_out(1))
    return store_each({}, pointers, value, mask);
  b_.CreateCall(lane_function(Lying::kPointers, element, true, false),
                {mask_bits(mask), pointers, value});
}

// A load for each lane, without branches. Who is out of range reads the first place instead,
// or zeros if that is out of range, too.
LlvmValue* Emitter::load_lanes(const Address& address, unsigned chunk, std::int64_t offset,
                               Id scalar, LlvmValue* mask) {
  LlvmType* type = memory_type(scalar);
  unsigned size = scalar_size(*p_.module, scalar);
  LlvmValue* index = vector_of(address.index, chunk);
  index = b_.CreateSelect(mask, index, llvm::Constant::getNullValue(index->getType()));
  Address first = address;
  first.offset = constant_val(base_of(address.offset, chunk));
  LlvmValue* start = b_.CreateSelect(range_in_bounds(first, offset, offset + size),
                                     element_pointer(address, chunk, offset), zeros_);
  auto* step = llvm::ArrayType::get(b_.getInt8Ty(), static_cast<std::uint64_t>(address.scale));
  LlvmValues lanes = lanes_of(index);
  LlvmValue* zero = llvm::Constant::getNullValue(wide(type));
  LlvmValue* out = zero;
  Address plain = address;
  plain.invariant = false;
  for (unsigned l = 0; l < g_.width; ++l) {
    auto* load =
        b_.CreateAlignedLoad(type, b_.CreateGEP(step, start, lanes[l]), Align(std::min(size, 4u)));
    out = b_.CreateInsertElement(out, annotate(load, plain), std::uint64_t{l});
  }
  return b_.CreateSelect(mask, out, zero);
}

// ---- Steps ----------------------------------------------------------------------------------

namespace {

bool any_lane_by_lane(const spirv::Module& module, const std::vector<PlacedLeaf>& leaves,
                      llvm::function_ref<bool(unsigned)> has_instruction) {
  return llvm::any_of(leaves, [&](const PlacedLeaf& leaf) {
    return !has_instruction(scalar_size(module, leaf.type));
  });
}

}  // namespace

// Lanes at a constant distance: one test for all, and then places beside one base.
Leaves Emitter::load_strided(const Address& address, const std::vector<PlacedLeaf>& leaves) {
  const bool by_chunk = address.offset.s.varies_by_chunk();
  const unsigned count = by_chunk ? g_.chunks : 1;
  if (address.space == Space::kDynamic || !has(Part::kConstantStrides) ||
      !is_written_out(count * element_accesses(leaves))) {
    note("load gather", address, leaves);
    return load_gather(address, leaves);
  }
  note("load constant stride", address, leaves);
  Extent e = extent_of(*p_.module, leaves);
  BasicBlock *slow = nullptr, *done = nullptr;
  if (address.limit) {
    BasicBlock* fast = BasicBlock::Create(cx_, "inside", fn_);
    slow = BasicBlock::Create(cx_, "edge", fn_);
    done = BasicBlock::Create(cx_, "read", fn_);
    b_.CreateCondBr(range_in_bounds(address, e.low, e.high), fast, slow,
                    llvm::MDBuilder(cx_).createLikelyBranchWeights());
    b_.SetInsertPoint(fast);
  }
  Leaves out(leaves.size());
  for (auto& leaf : out) leaf.s = Shape::varying(by_chunk);
  LlvmValue* start = nullptr;
  for (unsigned c = 0; c < count; ++c) {
    start = row_pointer(address, c, 0, start);
    LlvmValues pointers;
    for (unsigned l = 0; l < g_.width; ++l)
      pointers.push_back(b_.CreateConstGEP1_64(
          b_.getInt8Ty(), start, static_cast<std::uint64_t>(address.offset.s.ls * l)));
    const LlvmValues parts = load_elements(address, leaves, pointers);
    for (std::size_t i = 0; i < leaves.size(); ++i) out[i].v.push_back(parts[i]);
  }
  if (slow) join_careful(address, leaves, slow, done, out);
  return out;
}

void Emitter::store_strided(const Address& address, const std::vector<PlacedLeaf>& leaves,
                            const Leaves& value) {
  // Two or four words of a lane are one store, after transposes.
  const bool together = (leaves.size() == 2 || leaves.size() == 4) && has(Part::kWideElements) &&
                        are_words_in_order(*p_.module, leaves);
  const auto accesses = static_cast<unsigned>(g_.chunks * (together ? 1 : leaves.size()));
  if ((!together &&
       !any_lane_by_lane(*p_.module, leaves, [&](unsigned size) { return has_scatter(size); })) ||
      address.space == Space::kDynamic || address.space == Space::kPhysical ||
      !has(Part::kConstantStrides) || !is_written_out(accesses)) {
    note("store scatter", address, leaves);
    return store_scatter(address, leaves, value);
  }
  note("store constant stride", address, leaves);
  Extent e = extent_of(*p_.module, leaves);
  BasicBlock *slow = nullptr, *done = nullptr;
  if (address.limit || !is_full(mask_)) {
    BasicBlock* fast = BasicBlock::Create(cx_, "inside", fn_);
    slow = BasicBlock::Create(cx_, "edge", fn_);
    done = BasicBlock::Create(cx_, "written", fn_);
    LlvmValue* inside = address.limit ? range_in_bounds(address, e.low, e.high) : b_.getTrue();
    if (!is_full(mask_)) inside = b_.CreateAnd(inside, all(mask_));
    b_.CreateCondBr(inside, fast, slow, llvm::MDBuilder(cx_).createLikelyBranchWeights());
    b_.SetInsertPoint(fast);
  }
  LlvmValue* start = nullptr;
  for (unsigned c = 0; c < g_.chunks; ++c) {
    start = row_pointer(address, c, 0, start);
    if (together) {
      LlvmValues parts;
      for (const Val& leaf : value)
        parts.push_back(b_.CreateBitCast(to_memory(vector_of(leaf, c)), wide(b_.getFloatTy())));
      const auto store = [&](LlvmValue* v, unsigned lane) {
        const auto at = leaves[0].offset + static_cast<std::uint64_t>(address.offset.s.ls * lane);
        annotate(
            b_.CreateAlignedStore(v, b_.CreateConstGEP1_64(b_.getInt8Ty(), start, at), Align(4)),
            address);
      };
      Elements elements(b_, g_.width);
      parts.size() == 2 ? elements.store_pairs(parts, store) : elements.store_quads(parts, store);
      continue;
    }
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      LlvmValue* v = to_memory(vector_of(value[i], c));
      const unsigned size = scalar_size(*p_.module, leaves[i].type);
      for (unsigned l = 0; l < g_.width; ++l) {
        const std::uint64_t at =
            leaves[i].offset + static_cast<std::uint64_t>(address.offset.s.ls * l);
        annotate(b_.CreateAlignedStore(b_.CreateExtractElement(v, std::uint64_t{l}),
                                       b_.CreateConstGEP1_64(b_.getInt8Ty(), start, at),
                                       Align(std::min(size, 4u))),
                 address);
      }
    }
  }
  if (slow) store_careful(address, leaves, value, slow, done);
}

}  // namespace sokr::cpu
