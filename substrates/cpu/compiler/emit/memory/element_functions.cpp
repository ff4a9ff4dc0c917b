// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Elements of several words, or of four halves, in a draft: one function for each kind of access,
// which tests the lanes together and, where that fails, one by one. Each access is a call then,
// where written out it is three blocks and several shuffles, and compiling these takes most of a
// draft's time.
#include "compiler/emit/memory/elements.hpp"
#include "compiler/emit/memory/lanes.hpp"

namespace sokr::cpu {

using llvm::Align;

namespace {

constexpr unsigned kWord = 4;  // bytes
constexpr unsigned kMostWords = 4;
constexpr unsigned kHalf = 2;    // bytes
constexpr unsigned kHalves = 4;  // that are moved together: two words

// See element_function.
struct ElementArguments {
  ElementArguments(llvm::Function& function, bool by_indices, bool is_store)
      : base(function.getArg(0)),
        first(function.getArg(1)),
        by(function.getArg(2)),
        limit(function.getArg(3)) {
    unsigned next = 4;
    if (by_indices) indices = function.getArg(next++);
    if (!is_store) return;
    bits = function.getArg(next++);
    while (next < function.arg_size()) words.push_back(function.getArg(next++));
  }
  LlvmValue *base, *first, *by, *limit;
  LlvmValue *indices = nullptr, *bits = nullptr;
  LlvmValues words;
};

LlvmValue* indexed_offsets(llvm::IRBuilder<>& b, const ElementArguments& in, unsigned width) {
  LlvmType* i64 = llvm::FixedVectorType::get(b.getInt64Ty(), width);
  LlvmValue* far = b.CreateMul(b.CreateSExt(in.indices, i64), b.CreateVectorSplat(width, in.by));
  return b.CreateAdd(far, b.CreateVectorSplat(width, in.first));
}

// Each lane's pointer: by its offset, or steps from the first (`offsets` is null).
LlvmValues lane_places(llvm::IRBuilder<>& b, const ElementArguments& in, LlvmValue* offsets,
                       unsigned width) {
  LlvmValues pointers;
  for (unsigned lane = 0; lane < width; ++lane) {
    LlvmValue* offset = offsets ? b.CreateExtractElement(offsets, std::uint64_t{lane})
                                : b.CreateAdd(in.first, b.CreateMul(in.by, b.getInt64(lane)));
    pointers.push_back(b.CreateGEP(b.getInt8Ty(), in.base, offset));
  }
  return pointers;
}

// Ends a block with the first `count` of them, as words; of a store there are none.
void return_parts(llvm::IRBuilder<>& b, const llvm::Function& function, const LlvmValues& parts,
                  unsigned count) {
  auto* type = llvm::dyn_cast<llvm::StructType>(function.getReturnType());
  if (!type) {
    b.CreateRetVoid();
    return;
  }
  LlvmValue* out = llvm::PoisonValue::get(type);
  for (unsigned i = 0; i < count; ++i)
    out = b.CreateInsertValue(out, b.CreateBitCast(parts[i], type->getElementType(i)), i);
  b.CreateRet(out);
}

}  // namespace

// Are the components neighbouring words, as many as a load or store of a lane moves, or fours of
// neighbouring halves?
bool Lanes::has_element_function(const Address& address, const std::vector<PlacedLeaf>& leaves,
                                 bool is_store) const {
  if (o_.effort != Effort::kDraft || !b_.has(Part::kElementFunctions) || address.is_volatile ||
      address.space == Space::kDynamic || address.space == Space::kPhysical ||
      !address.offset.s.affine)
    return false;
  const bool steps = !address.scale;
  if (steps ? address.offset.s.ls == 0 : address.offset.s.ls != 0 || !address.limit) return false;
  const unsigned size = scalar_size(*p_.module, leaves[0].type);
  for (std::size_t i = 0; i < leaves.size(); ++i)
    if (scalar_size(*p_.module, leaves[i].type) != size ||
        leaves[i].offset != leaves[0].offset + i * size)
      return false;
  if (size == kHalf) return leaves.size() % kHalves == 0;
  if (size != kWord) return false;
  if (leaves.size() == 2 || leaves.size() == kMostWords) return true;
  // What lies between such elements may be read with them, where they do not lie closer.
  return leaves.size() == 3 && !is_store && steps && address.limit &&
         std::abs(address.offset.s.ls) >= kMostWords * kWord;
}

// It takes: base, offset of the first lane or of all, distance or scale, end of offsets; the
// indices (i32), if it is by indices; for a store a bit for each lane that takes part, and the
// components: words as floats, halves as whole numbers.
llvm::Function* Lanes::element_function(Lying how, unsigned count, unsigned size, bool is_store) {
  const std::string name = fmt::format("{}_elements_{}_{}{}.v{}", is_store ? "store" : "load",
                                       how == Lying::kIndices ? "indices" : "steps", count,
                                       size == kWord ? "" : "_halves", g_.width);
  if (llvm::Function* before = m_.getFunction(name)) return before;
  LlvmType *i64 = b_.getInt64Ty(), *words = b_.wide(carrier_of(size));
  llvm::SmallVector<LlvmType*, 12> parameters{b_.getPtrTy(), i64, i64, i64};
  if (how == Lying::kIndices) parameters.push_back(b_.wide(b_.getInt32Ty()));
  if (is_store) {
    parameters.push_back(b_.getIntNTy(g_.width));
    parameters.append(count, words);
  }
  LlvmType* result = b_.getVoidTy();
  if (!is_store) result = llvm::StructType::get(cx_, llvm::SmallVector<LlvmType*, 4>(count, words));
  llvm::Function* made = llvm::Function::Create(llvm::FunctionType::get(result, parameters, false),
                                                llvm::GlobalValue::InternalLinkage, name, m_);
  made->setDoesNotThrow();
  made->addFnAttr("no-builtins");
  made->addFnAttr(llvm::Attribute::NoInline);
  if (!is_store) made->setOnlyReadsMemory();
  if (b_.is_builtin(name)) {
    made->setLinkage(llvm::GlobalValue::ExternalLinkage);
    return made;
  }
  llvm::IRBuilderBase::InsertPointGuard guard(b_);
  write_element_function(*made, how, count, size, is_store);
  return made;
}

LlvmType* Lanes::carrier_of(unsigned size) const {
  return size == kWord ? b_.getFloatTy() : static_cast<LlvmType*>(b_.getIntNTy(8 * size));
}

void Lanes::write_element_function(llvm::Function& function, Lying how, unsigned count,
                                   unsigned size, bool is_store) {
  BasicBlock* fast = BasicBlock::Create(cx_, "inside");
  BasicBlock* slow = BasicBlock::Create(cx_, "edge");
  b_.SetInsertPoint(BasicBlock::Create(cx_, "entry", &function));
  fast->insertInto(&function);
  slow->insertInto(&function);
  const ElementArguments in(function, how == Lying::kIndices, is_store);
  const unsigned moved = size == kWord ? (count == 2 ? 2 : kMostWords) * kWord : count * size;
  LlvmValue* places = places_.room(in.limit, moved);
  LlvmValue* everyone = llvm::Constant::getAllOnesValue(b_.getIntNTy(g_.width));
  LlvmValue* offsets = in.indices ? indexed_offsets(b_, in, g_.width) : nullptr;
  LlvmValue* good = nullptr;
  if (offsets) {
    LlvmValue* inside = b_.CreateICmpULT(offsets, b_.CreateVectorSplat(g_.width, places));
    good = b_.CreateICmpEQ(b_.mask_bits(inside), everyone);
  } else {
    LlvmValue* last = b_.CreateAdd(in.first, b_.CreateMul(in.by, b_.getInt64(g_.width - 1)));
    good = b_.CreateAnd(b_.CreateICmpULT(in.first, places), b_.CreateICmpULT(last, places));
  }
  if (is_store) good = b_.CreateAnd(good, b_.CreateICmpEQ(in.bits, everyone));
  b_.CreateCondBr(good, fast, slow);

  b_.SetInsertPoint(fast);
  const LlvmValues pointers = lane_places(b_, in, offsets, g_.width);
  LlvmValues parts;
  Elements elements(b_, g_.width);
  if (is_store) {
    const LlvmValues words = size == kWord ? in.words : words_of_halves(in.words);
    const auto store = [&](LlvmValue* value, unsigned lane) {
      b_.CreateAlignedStore(value, pointers[lane], Align(size));
    };
    words.size() == 2 ? elements.store_pairs(words, store) : elements.store_quads(words, store);
  } else {
    const auto load = [&](LlvmType* type, unsigned lane) -> LlvmValue* {
      return b_.CreateAlignedLoad(type, pointers[lane], Align(size));
    };
    parts =
        moved == 2 * kWord ? elements.load_words_of(count, size, load) : elements.load_quads(load);
  }
  return_parts(b_, function, parts, count);

  // Lane by lane, each component by itself.
  b_.SetInsertPoint(slow);
  parts.clear();
  for (unsigned i = 0; i < count; ++i) {
    llvm::SmallVector<LlvmValue*, 8> each{
        in.base, b_.CreateAdd(in.first, b_.getInt64(std::uint64_t{i} * size)), in.by,
        places_.room(in.limit, size), is_store ? in.bits : everyone};
    if (in.indices) each.push_back(in.indices);
    if (is_store) each.push_back(in.words[i]);
    parts.push_back(b_.CreateCall(lane_function(how, carrier_of(size), is_store, false), each));
  }
  return_parts(b_, function, parts, count);
}

// Two halves are a word.
LlvmValues Lanes::words_of_halves(const LlvmValues& halves) {
  LlvmValues words;
  for (std::size_t i = 0; i + 1 < halves.size(); i += 2)
    words.push_back(
        b_.CreateBitCast(b_.pack_word({halves[i], halves[i + 1]}), b_.wide(b_.getFloatTy())));
  return words;
}

// What every such call begins with.
LlvmValues Lanes::element_arguments(const Address& address, const PlacedLeaf& first,
                                    unsigned chunk) {
  LlvmValues in{
      address.base, b_.CreateAdd(b_.base_of(address.offset, chunk), b_.getInt64(first.offset)),
      b_.getInt64(static_cast<std::uint64_t>(address.scale ? address.scale : address.offset.s.ls)),
      address.limit ? address.limit : b_.getInt64(INT64_MAX)};
  if (address.scale) in.push_back(b_.vector_of(address.index, chunk));
  return in;
}

// How many components one call moves.
unsigned Lanes::components_of_call(const std::vector<PlacedLeaf>& leaves) const {
  return scalar_size(*p_.module, leaves[0].type) == kWord ? static_cast<unsigned>(leaves.size())
                                                          : kHalves;
}

Leaves Lanes::load_by_function(const Address& address, const std::vector<PlacedLeaf>& leaves) {
  places_.note("load by function", address, leaves);
  const bool by_chunk =
      address.offset.s.varies_by_chunk() || (address.scale && address.index.s.varies_by_chunk());
  const unsigned size = scalar_size(*p_.module, leaves[0].type), count = components_of_call(leaves);
  llvm::Function* function =
      element_function(address.scale ? Lying::kIndices : Lying::kSteps, count, size, false);
  Leaves out(leaves.size());
  for (auto& leaf : out) leaf.s = Shape::varying(by_chunk);
  for (unsigned c = 0; c < (by_chunk ? g_.chunks : 1); ++c)
    for (std::size_t first = 0; first < leaves.size(); first += count) {
      LlvmValue* all = b_.CreateCall(function, element_arguments(address, leaves[first], c));
      for (unsigned i = 0; i < count; ++i) {
        const Id type = leaves[first + i].type;
        LlvmValue* part =
            b_.CreateBitCast(b_.CreateExtractValue(all, i), b_.wide(places_.memory_type(type)));
        out[first + i].v.push_back(places_.from_memory(part, type));
      }
    }
  return out;
}

void Lanes::store_by_function(const Address& address, const std::vector<PlacedLeaf>& leaves,
                              const Leaves& value) {
  places_.note("store by function", address, leaves);
  const unsigned size = scalar_size(*p_.module, leaves[0].type), count = components_of_call(leaves);
  llvm::Function* function =
      element_function(address.scale ? Lying::kIndices : Lying::kSteps, count, size, true);
  for (unsigned c = 0; c < g_.chunks; ++c)
    for (std::size_t first = 0; first < leaves.size(); first += count) {
      LlvmValues in = element_arguments(address, leaves[first], c);
      in.push_back(b_.mask_bits(b_.mask_vector(c)));
      for (unsigned i = 0; i < count; ++i)
        in.push_back(b_.CreateBitCast(places_.to_memory(b_.vector_of(value[first + i], c)),
                                      b_.wide(carrier_of(size))));
      b_.CreateCall(function, in);
    }
}

}  // namespace sokr::cpu
