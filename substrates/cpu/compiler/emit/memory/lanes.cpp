// SPDX-License-Identifier: MIT OR Apache-2.0
//
// One element for each lane, where the processor has no instruction that takes or puts them all:
// none has one for elements below 32 bits. LLVM makes a test and a jump for each lane of a masked
// gather or scatter, and takes minutes for some thousands of those. Here lanes that do not take
// part read zeros or write to a place that nobody looks at, so that there are no branches. A
// kernel with many such accesses, and the copies of accesses that test lane by lane, call one
// function for each kind of access.
#include "compiler/emit/memory/lanes.hpp"

namespace sokr::cpu {

using llvm::Align;

bool Lanes::has_gather(unsigned size) const {
  return size >= 4 && t_.gathers;
}

bool Lanes::has_scatter(unsigned size) const {
  return size >= 4 && t_.scatters;
}

// May so many accesses of a register be written out here, lane by lane? Not where lanes are tested
// one by one, or for those who have parted.
bool Lanes::may_write_out(unsigned accesses) const {
  return at_.robust == 0 && at_.divergent == 0 &&
         written_out_ + std::uint64_t{accesses} * g_.width <= kMostWrittenOut;
}

bool Lanes::is_written_out(unsigned accesses) {
  if (!may_write_out(accesses)) return false;
  written_out_ += std::uint64_t{accesses} * g_.width;
  return true;
}

// The function for one kind of access. It takes how lanes lie, a bit for each lane that takes part,
// and for a store the elements:
//   steps: base, offset of the first lane, distance, end of offsets, bits
//   indices: base, offset, scale, end, bits, indices (i32)
//   pointers: bits, pointers
std::string Lanes::lane_function_name(Lying how, LlvmType* element, bool is_store,
                                      bool is_volatile) const {
  static constexpr const char* kNames[] = {"steps", "indices", "pointers"};
  return fmt::format("{}_{}_{}{}{}.v{}", is_store ? "store" : "load", kNames[static_cast<int>(how)],
                     element->isIntegerTy() ? 'i' : 'f', element->getScalarSizeInBits(),
                     is_volatile ? "_v" : "", g_.width);
}

llvm::Function* Lanes::lane_function(Lying how, LlvmType* element, bool is_store,
                                     bool is_volatile) {
  const std::string name = lane_function_name(how, element, is_store, is_volatile);
  if (llvm::Function* made = m_.getFunction(name)) return made;
  LlvmType *i64 = b_.getInt64Ty(), *bits = b_.getIntNTy(g_.width);
  llvm::SmallVector<LlvmType*, 8> parameters;
  if (how != Lying::kPointers) parameters = {b_.getPtrTy(), i64, i64, i64};
  parameters.push_back(bits);
  if (how == Lying::kIndices) parameters.push_back(b_.wide(b_.getInt32Ty()));
  if (how == Lying::kPointers) parameters.push_back(b_.wide(b_.getPtrTy()));
  if (is_store) parameters.push_back(b_.wide(element));
  auto* type =
      llvm::FunctionType::get(is_store ? b_.getVoidTy() : b_.wide(element), parameters, false);
  auto* function = llvm::Function::Create(type, llvm::GlobalValue::InternalLinkage, name, m_);
  function->setDoesNotThrow();
  function->addFnAttr("no-builtins");
  function->addFnAttr(llvm::Attribute::NoInline);
  if (!is_store && !is_volatile) function->setOnlyReadsMemory();
  if (b_.is_builtin(name))
    function->setLinkage(llvm::GlobalValue::ExternalLinkage);
  else
    write_lane_function(*function, how, element, is_store, is_volatile);
  return function;
}

void Lanes::write_lane_function(llvm::Function& function, Lying how, LlvmType* element,
                                bool is_store, bool is_volatile) {
  llvm::IRBuilder<> b(BasicBlock::Create(cx_, "entry", &function));
  LlvmType* i64 = b_.wide(b.getInt64Ty());
  const unsigned size = element->getScalarSizeInBits() / 8, align = std::min(size, 4u);
  auto* argument = function.arg_begin() + (how == Lying::kPointers ? 0 : 4);
  LlvmValue* mask = b.CreateBitCast(argument++, b_.wide(b.getInt1Ty()));
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
  LlvmValue* nowhere = frame_.zeros();
  if (is_store) {
    auto* place = b.CreateAlloca(b.getInt64Ty());
    place->setAlignment(Align(8));
    nowhere = place;
  }
  pointers = b.CreateSelect(mask, pointers, b.CreateVectorSplat(g_.width, nowhere));
  LlvmValue* out = llvm::Constant::getNullValue(b_.wide(element));
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

Lanes::Lying Lanes::lying_of(const Address& address) {
  if (address.space == Space::kDynamic || address.space == Space::kPhysical ||
      !address.offset.s.affine)
    return Lying::kPointers;
  if (!address.scale) return Lying::kSteps;
  return address.offset.s.ls == 0 ? Lying::kIndices : Lying::kPointers;
}

// Halves are handed over as the whole numbers that their bits are: how they are handed over
// themselves depends on the processor, so that no function of theirs is compiled ahead.
bool Lanes::is_compiled_ahead(Lying how, LlvmType* element, bool is_store, bool is_volatile) const {
  LlvmType* carried = element->isHalfTy() ? b_.getInt16Ty() : element;
  return b_.is_builtin(lane_function_name(how, carried, is_store, is_volatile));
}

// A draft calls what is compiled already where lanes are tested one by one, a few words in place of
// vectors of offsets, and where they would be accessed one by one.
bool Lanes::calls_builtin(const Address& address, LlvmType* element, bool is_store,
                          bool is_lane_by_lane) const {
  return (at_.robust > 0 || is_lane_by_lane) &&
         is_compiled_ahead(lying_of(address), element, is_store, address.is_volatile);
}

// By its function, which takes `in`, and behind it what is to be stored (null: nothing).
LlvmValue* Lanes::call_lane_function(Lying how, LlvmType* element, bool is_volatile, LlvmValues in,
                                     LlvmValue* value) {
  const bool is_carried =
      element->isHalfTy() && is_compiled_ahead(how, element, value != nullptr, is_volatile);
  LlvmType* carried = is_carried ? b_.getInt16Ty() : element;
  if (value) in.push_back(is_carried ? b_.CreateBitCast(value, b_.wide(carried)) : value);
  LlvmValue* out = b_.CreateCall(lane_function(how, carried, value != nullptr, is_volatile), in);
  return is_carried && !value ? b_.CreateBitCast(out, b_.wide(element)) : out;
}

// One access of a chunk by such a function: the elements `offset` bytes beside the address that are
// in range, of the lanes in the mask (null: all). `value` is null for a load.
LlvmValue* Lanes::call_lanes(const Address& address, unsigned chunk, std::int64_t offset,
                             LlvmType* element, LlvmValue* mask, LlvmValue* value) {
  const auto size = static_cast<std::int64_t>(element->getScalarSizeInBits() / 8);
  auto* everyone = llvm::Constant::getAllOnesValue(b_.wide(b_.getInt1Ty()));
  LlvmValues in;
  const Lying how = lying_of(address);
  if (how == Lying::kPointers) {
    if (LlvmValue* inside = address.limit || address.space == Space::kDynamic
                                ? places_.lane_in_bounds(address, chunk, offset, offset + size)
                                : nullptr)
      mask = mask ? b_.CreateAnd(mask, inside) : inside;
    in = {b_.mask_bits(mask ? mask : everyone), places_.lane_pointers(address, chunk, offset)};
  } else {
    LlvmValue* first = b_.CreateAdd(b_.base_of(address.offset, chunk),
                                    b_.getInt64(static_cast<std::uint64_t>(offset)));
    const std::int64_t distance = how == Lying::kIndices ? address.scale : address.offset.s.ls;
    LlvmValue* end = address.limit ? places_.room(address.limit, size) : b_.getInt64(INT64_MAX);
    in = {address.base, first, b_.getInt64(static_cast<std::uint64_t>(distance)), end,
          b_.mask_bits(mask ? mask : everyone)};
    if (how == Lying::kIndices) in.push_back(b_.vector_of(address.index, chunk));
  }
  return call_lane_function(how, element, address.is_volatile, std::move(in), value);
}

// What each lane's pointer leads to; zero for lanes outside of the mask.
LlvmValue* Lanes::load_each(const Address& address, LlvmValue* pointers, LlvmType* element,
                            LlvmValue* mask) {
  const unsigned size = element->getScalarSizeInBits() / 8, align = std::min(size, 4u);
  if (has_gather(size) && !address.is_volatile)
    return places_.annotate(b_.CreateMaskedGather(b_.wide(element), pointers, Align(align), mask,
                                                  llvm::Constant::getNullValue(b_.wide(element))),
                            address);
  pointers = b_.CreateSelect(mask, pointers, b_.CreateVectorSplat(g_.width, frame_.zeros()));
  Address plain = address;
  plain.invariant = false;
  LlvmValue* out = llvm::Constant::getNullValue(b_.wide(element));
  for (unsigned l = 0; l < g_.width; ++l) {
    LlvmValue* at = b_.CreateExtractElement(pointers, std::uint64_t{l});
    out = b_.CreateInsertElement(
        out, places_.annotate(b_.CreateAlignedLoad(element, at, Align(align)), plain),
        std::uint64_t{l});
  }
  return out;
}

void Lanes::store_each(const Address& address, LlvmValue* pointers, LlvmValue* value,
                       LlvmValue* mask) {
  LlvmType* element = value->getType()->getScalarType();
  const unsigned size = element->getScalarSizeInBits() / 8, align = std::min(size, 4u);
  if (has_scatter(size)) {
    places_.annotate(b_.CreateMaskedScatter(value, pointers, Align(align), mask), address);
    return;
  }
  auto* known = llvm::dyn_cast<llvm::Constant>(mask);
  if (!known || !known->isAllOnesValue())
    pointers = b_.CreateSelect(mask, pointers, b_.CreateVectorSplat(g_.width, frame_.dump_place()));
  for (unsigned l = 0; l < g_.width; ++l)
    places_.annotate(
        b_.CreateAlignedStore(b_.CreateExtractElement(value, std::uint64_t{l}),
                              b_.CreateExtractElement(pointers, std::uint64_t{l}), Align(align)),
        address);
}

// The same for private memory and the like, by a function where they would be too many.
LlvmValue* Lanes::load_places_of(LlvmValue* pointers, LlvmType* element, LlvmValue* mask) {
  if (has_gather(element->getScalarSizeInBits() / 8) ||
      (!is_compiled_ahead(Lying::kPointers, element, false, false) && is_written_out(1)))
    return load_each({}, pointers, element, mask);
  return call_lane_function(Lying::kPointers, element, false, {b_.mask_bits(mask), pointers},
                            nullptr);
}

void Lanes::store_places_of(LlvmValue* pointers, LlvmValue* value, LlvmValue* mask) {
  LlvmType* element = value->getType()->getScalarType();
  if (has_scatter(element->getScalarSizeInBits() / 8) ||
      (!is_compiled_ahead(Lying::kPointers, element, true, false) && is_written_out(1)))
    return store_each({}, pointers, value, mask);
  call_lane_function(Lying::kPointers, element, false, {b_.mask_bits(mask), pointers}, value);
}

// A load for each lane, without branches. Who is out of range reads the first place instead,
// or zeros if that is out of range, too.
LlvmValue* Lanes::load_lanes(const Address& address, unsigned chunk, std::int64_t offset, Id scalar,
                             LlvmValue* mask) {
  LlvmType* type = places_.memory_type(scalar);
  unsigned size = scalar_size(*p_.module, scalar);
  LlvmValue* index = b_.vector_of(address.index, chunk);
  if (const std::int64_t further = Places::elements_before(address, offset)) {
    index =
        b_.CreateAdd(index, b_.integer_like(index->getType(), static_cast<std::uint64_t>(further)));
    offset -= further * address.scale;
  }
  index = b_.CreateSelect(mask, index, llvm::Constant::getNullValue(index->getType()));
  Address first = address;
  first.offset = b_.constant_val(b_.base_of(address.offset, chunk));
  LlvmValue* start =
      b_.CreateSelect(places_.range_in_bounds(first, offset, offset + size),
                      places_.element_pointer(address, chunk, offset), frame_.zeros());
  auto* step = llvm::ArrayType::get(b_.getInt8Ty(), static_cast<std::uint64_t>(address.scale));
  LlvmValues lanes = b_.lanes_of(index);
  LlvmValue* zero = llvm::Constant::getNullValue(b_.wide(type));
  LlvmValue* out = zero;
  Address plain = address;
  plain.invariant = false;
  for (unsigned l = 0; l < g_.width; ++l) {
    auto* load =
        b_.CreateAlignedLoad(type, b_.CreateGEP(step, start, lanes[l]), Align(std::min(size, 4u)));
    out = b_.CreateInsertElement(out, places_.annotate(load, plain), std::uint64_t{l});
  }
  return b_.CreateSelect(mask, out, zero);
}

// Ends the block in which `out` was made and adds the way by `slow`, on which lanes are tested one
// by one. What follows is in `done`.
void Lanes::join_robust(const Address& address, const std::vector<PlacedLeaf>& leaves,
                        BasicBlock* slow, BasicBlock* done, Leaves& out) {
  BasicBlock* fast_end = b_.GetInsertBlock();
  b_.CreateBr(done);
  b_.SetInsertPoint(slow);
  ++at_.robust;
  Leaves robust = load_gather(address, leaves);
  --at_.robust;
  LlvmValues others;
  for (std::size_t i = 0; i < out.size(); ++i)
    for (unsigned c = 0; c < out[i].v.size(); ++c) others.push_back(b_.vector_of(robust[i], c));
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

Leaves Lanes::load_gather(const Address& address, const std::vector<PlacedLeaf>& leaves) {
  bool by_chunk =
      address.offset.s.varies_by_chunk() || (address.scale && address.index.s.varies_by_chunk());
  if (address.space == Space::kDynamic)
    by_chunk |= address.begin.s.varies_by_chunk() || address.size.s.varies_by_chunk();
  bool unlimited =
      address.space == Space::kPhysical || (!address.limit && address.space != Space::kDynamic);
  if (unlimited && !b_.is_full(at_.mask)) by_chunk |= at_.mask.s.varies_by_chunk();
  Leaves out(leaves.size());
  for (auto& leaf : out) leaf.s = Shape::varying(by_chunk);
  for (unsigned c = 0; c < (by_chunk ? g_.chunks : 1); ++c) {
    // Whoever is in range may read, active or not.
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      LlvmType* type = places_.memory_type(leaves[i].type);
      unsigned size = scalar_size(*p_.module, leaves[i].type);
      auto offset = static_cast<std::int64_t>(leaves[i].offset);
      bool contiguous = !address.scale && address.offset.s.affine &&
                        address.space != Space::kDynamic && address.offset.s.ls == size;
      // LLVM's masked loads are never volatile: out of a loop it would take them.
      bool masked = contiguous && t_.masks(size) && !address.is_volatile;
      bool single = !masked && (!has_gather(size) || address.is_volatile);
      const bool calls = calls_builtin(address, type, false, single);
      bool written_out = single && !calls && is_written_out(1);
      LlvmValue* value = nullptr;
      if (calls || (single && !written_out)) {
        LlvmValue* who = unlimited && !b_.is_full(at_.mask) ? b_.mask_vector(c) : nullptr;
        value = call_lanes(address, c, offset, type, who, nullptr);
      } else {
        LlvmValue* mask = unlimited ? b_.mask_vector(c)
                                    : places_.lane_in_bounds(address, c, offset, offset + size);
        if (masked)
          value = places_.annotate(
              b_.CreateMaskedLoad(b_.wide(type), places_.element_pointer(address, c, offset),
                                  Align(std::min(size, 4u)), mask,
                                  llvm::Constant::getNullValue(b_.wide(type))),
              address);
        else if (written_out && !unlimited && address.scale && address.limit)
          value = load_lanes(address, c, offset, leaves[i].type, mask);
        else
          value = load_each(address, places_.lane_pointers(address, c, offset), type, mask);
      }
      out[i].v.push_back(places_.from_memory(value, leaves[i].type));
    }
  }
  return out;
}

// Ends a block that stores, and adds the way by `slow`, on which lanes are tested one by one.
void Lanes::store_robust(const Address& address, const std::vector<PlacedLeaf>& leaves,
                         const Leaves& value, BasicBlock* slow, BasicBlock* done) {
  b_.CreateBr(done);
  b_.SetInsertPoint(slow);
  ++at_.robust;
  store_scatter(address, leaves, value);
  --at_.robust;
  b_.CreateBr(done);
  b_.SetInsertPoint(done);
}

void Lanes::store_scatter(const Address& address, const std::vector<PlacedLeaf>& leaves,
                          const Leaves& value) {
  bool unlimited =
      address.space == Space::kPhysical || (!address.limit && address.space != Space::kDynamic);
  for (unsigned c = 0; c < g_.chunks; ++c) {
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      unsigned size = scalar_size(*p_.module, leaves[i].type);
      auto offset = static_cast<std::int64_t>(leaves[i].offset);
      LlvmValue* v = places_.to_memory(b_.vector_of(value[i], c));
      bool contiguous = !address.scale && address.offset.s.affine &&
                        address.space != Space::kDynamic && address.offset.s.ls == size;
      bool masked = contiguous && t_.masks(size);
      const bool single = !masked && !has_scatter(size);
      if (calls_builtin(address, v->getType()->getScalarType(), true, single) ||
          (single && !is_written_out(1))) {
        call_lanes(address, c, offset, v->getType()->getScalarType(), b_.mask_vector(c), v);
        continue;
      }
      LlvmValue* mask = b_.mask_vector(c);
      if (!unlimited)
        mask = b_.CreateAnd(mask, places_.lane_in_bounds(address, c, offset, offset + size));
      if (masked)
        places_.annotate(b_.CreateMaskedStore(v, places_.element_pointer(address, c, offset),
                                              Align(std::min(size, 4u)), mask),
                         address);
      else
        store_each(address, places_.lane_pointers(address, c, offset), v, mask);
    }
  }
}

}  // namespace sokr::cpu
