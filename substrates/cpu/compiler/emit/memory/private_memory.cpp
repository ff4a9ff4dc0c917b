// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Private and Function variables. One that is only indexed by constants is a slot for
// each scalar; LLVM makes registers of it. Another is memory in which the invocations'
// copies of one scalar lie side by side: [scalar][chunk][lane]. A table lies there once, in
// the layout of shared memory, as a constant.
#include "compiler/emit/memory/private_memory.hpp"

#include <unordered_set>

#include "compiler/analysis/transfer.hpp"

namespace sokr::cpu {

using llvm::Align;

namespace {

constexpr std::uint64_t kMaxStackBytes = 32 * 1024;         // of one variable
constexpr std::uint64_t kMostOnStack = 8 * kMaxStackBytes;  // of all: threads have few megabytes

std::uint32_t largest_scalar(const spirv::Module& module, Id type) {
  const spirv::Type* t = module.type(type);
  if (!t) return 0;
  std::uint32_t most = 0;
  switch (t->kind) {
    case spirv::TypeKind::kVector:
    case spirv::TypeKind::kMatrix:
    case spirv::TypeKind::kArray:
      return largest_scalar(module, t->element);
    case spirv::TypeKind::kStruct:
      for (const auto& member : t->members)
        most = std::max(most, largest_scalar(module, member.type));
      return most;
    default:
      return scalar_size(module, type);
  }
}

// The bits of a vector as elements of another type of that size. Of one lane by way of the scalar:
// LLVM cannot fold a cast between vectors of one constant.
llvm::Value* bits_as(llvm::IRBuilder<>& b, llvm::Value* vector, llvm::Type* element) {
  auto* type = llvm::cast<llvm::FixedVectorType>(vector->getType());
  if (type->getElementType() == element) return vector;
  auto* to = llvm::FixedVectorType::get(element, type->getNumElements());
  if (type->getNumElements() > 1) return b.CreateBitCast(vector, to);
  llvm::Value* scalar = b.CreateBitCast(b.CreateExtractElement(vector, std::uint64_t{0}), element);
  return b.CreateInsertElement(llvm::Constant::getNullValue(to), scalar, std::uint64_t{0});
}

}  // namespace

void PrivateMemory::declare_private() {
  std::unordered_map<Id, std::uint32_t> first_region;
  std::unordered_map<Id, bool> crosses;
  std::unordered_set<Id> indexed;  // read with an index that is no constant
  for (std::uint32_t b = 0; b < p_.blocks.size(); ++b)
    for (const auto& inst : p_.blocks[b].body)
      for (Id arg : inst.args) {
        Id root = arg >= bound_ || p_.module->variable(arg) ? root_of(p_, arg) : 0;
        if (!root) continue;
        auto [it, fresh] = first_region.try_emplace(root, regions_.region_of(b));
        if (it->second != regions_.region_of(b)) crosses[root] = true;
        if (inst.op != spv::Op::OpLoad && inst.op != spv::Op::OpCopyMemory) continue;
        auto place = private_place(p_, arg);
        if (place && !place->leaf) indexed.insert(place->variable);
      }
  for (const auto& variable : p_.variables) {
    if (variable.table) continue;
    PrivateStore& store = private_[variable.id];
    store.leaves = leaf_count(*p_.module, variable.type);
    auto shapes = a_.variables.find(variable.id);
    auto dynamic = a_.dynamic.find(variable.id);
    bool shared = crosses[variable.id] || regions_.splits();
    bool in_memory = variable.in_memory;
    bool written_by_index = dynamic != a_.dynamic.end() && dynamic->second;
    if (!in_memory && !written_by_index && !indexed.contains(variable.id)) {
      store.slots = values_.slots_for(variable.type, shapes->second, shared);
      b_.note_variable(variable.id, shared ? "a place in scratch for each pass" : "registers");
      continue;
    }
    store.element_size = std::max(4u, largest_scalar(*p_.module, variable.type));
    std::uint64_t bytes = std::uint64_t{store.leaves} * g_.lanes() * store.element_size;
    // What nobody has written is undefined on the stack, and only old in scratch memory.
    store.in_scratch =
        shared || variable.temporary || bytes > kMaxStackBytes || bytes > kMostOnStack - on_stack_;
    if (!store.in_scratch) on_stack_ += bytes;
    b_.note_variable(variable.id, shared             ? "memory in scratch for each pass"
                                  : store.in_scratch ? "memory in scratch"
                                                     : "memory on the stack");
    if (store.in_scratch) {
      store.scratch_offset = frame_.reserve_scratch(bytes * (shared ? g_.passes() : 1));
      store.pass_stride = shared ? bytes : 0;
    } else {
      llvm::IRBuilder<> at(at_.entry, at_.entry->begin());
      auto* memory = at.CreateAlloca(llvm::ArrayType::get(at.getInt8Ty(), bytes));
      memory->setAlignment(Align(64));
      store.memory = memory;
    }
  }
}

// Everything starts as zero.
void PrivateMemory::reset_private() {
  for (const auto& variable : p_.variables) {
    if (variable.table) continue;
    PrivateStore& store = private_[variable.id];
    for (const auto& slot : store.slots) {
      Val zero = b_.zero_val(slot.shape, slot.scalar);
      values_.store_slot(slot, zero, nullptr);
    }
    if (!store.slots.empty() || store.leaves == 0 || variable.initializer || variable.temporary)
      continue;
    std::uint64_t bytes = std::uint64_t{store.leaves} * g_.lanes() * store.element_size;
    unsigned vector = g_.width * 4;
    BasicBlock* before = b_.GetInsertBlock();
    BasicBlock* loop = BasicBlock::Create(cx_, "clear", at_.function);
    BasicBlock* done = BasicBlock::Create(cx_, "cleared", at_.function);
    LlvmValue* memory = private_memory(store);
    b_.CreateBr(loop);
    b_.SetInsertPoint(loop);
    llvm::PHINode* i = b_.CreatePHI(b_.getInt64Ty(), 2);
    b_.CreateAlignedStore(llvm::Constant::getNullValue(b_.wide(b_.getInt32Ty())),
                          b_.CreateGEP(b_.getInt8Ty(), memory, i), Align(4));
    LlvmValue* next = b_.CreateAdd(i, b_.getInt64(vector));
    i->addIncoming(b_.getInt64(0), before);
    i->addIncoming(next, loop);
    b_.CreateCondBr(b_.CreateICmpULE(b_.CreateAdd(next, b_.getInt64(vector)), b_.getInt64(bytes)),
                    loop, done);
    b_.SetInsertPoint(done);
    for (std::uint64_t at = bytes / vector * vector; at < bytes; at += 1)
      b_.CreateStore(b_.getInt8(0), b_.CreateConstGEP1_64(b_.getInt8Ty(), memory, at));
  }
}

LlvmValue* PrivateMemory::private_memory(const PrivateStore& store) {
  if (!store.in_scratch) return store.memory;
  LlvmValue* pass =
      b_.CreateMul(b_.CreateZExt(at_.pass, b_.getInt64Ty()), b_.getInt64(store.pass_stride));
  return b_.CreateGEP(b_.getInt8Ty(), frame_.scratch(),
                      b_.CreateAdd(pass, b_.getInt64(store.scratch_offset)));
}

// The number of the first scalar that a pointer names.
Val PrivateMemory::private_index(Id pointer) {
  std::vector<const Inst*> chain;
  Id at = look_through(p_, pointer);
  while (const Inst* inst = p_.inst(at)) {
    chain.push_back(inst);
    at = look_through(p_, inst->args[0]);
  }
  const PrivateVariable* variable = private_variable(p_, at);
  Id type = variable ? variable->type : 0;
  Val sum = b_.constant_val(b_.getInt32(0));
  for (auto it = chain.rbegin(); it != chain.rend(); ++it)
    for (std::size_t i = 1; i < (*it)->args.size(); ++i) {
      const spirv::Type* t = p_.module->type(type);
      const spirv::Constant* constant = p_.constant((*it)->args[i]);
      bool member = t && t->kind == spirv::TypeKind::kStruct;
      auto number = static_cast<std::uint32_t>(constant ? constant->bits : 0);
      if (member) {
        Val offset = b_.constant_val(b_.getInt32(leaf_offset(*p_.module, type, number)));
        sum = b_.apply(sum.s, {&sum, &offset},
                       [&](llvm::ArrayRef<LlvmValue*> v) { return b_.CreateAdd(v[0], v[1]); });
        type = element_type(*p_.module, type, number);
        continue;
      }
      std::uint32_t each = t ? leaf_count(*p_.module, t->element) : 1;
      std::uint32_t count = t ? t->count : 1;
      const Val index = values_.get((*it)->args[i])[0];
      Divergence d = merged(divergence_of(sum.s), divergence_of(index.s));
      sum = b_.apply(shape_of(d), {&sum, &index}, [&](llvm::ArrayRef<LlvmValue*> v) {
        LlvmValue* n = v[1];
        LlvmType* i32 = n->getType()->getWithNewBitWidth(32);
        LlvmValue* inside = b_.CreateICmpULT(n, b_.integer_like(n->getType(), count));
        const unsigned bits = n->getType()->getScalarSizeInBits();
        if (bits < 32 && count >> bits != 0)
          inside = llvm::Constant::getAllOnesValue(inside->getType());
        LlvmValue* leaf = b_.CreateMul(b_.CreateZExtOrTrunc(n, i32), b_.integer_like(i32, each));
        LlvmValue* next = b_.CreateAdd(v[0], leaf);
        // Outside of any array means outside of the variable.
        LlvmValue* away = b_.integer_like(i32, UINT64_C(0x40000000));
        LlvmValue* lost = b_.CreateICmpUGE(v[0], away);
        return b_.CreateSelect(b_.CreateAnd(inside, b_.CreateNot(lost)), next, away);
      });
      type = element_type(*p_.module, type, 0);
    }
  return sum;
}

// ---- Tables -------------------------------------------------------------------------------

Leaves PrivateMemory::load_table(const PrivateVariable& variable, const PrivatePlace& place,
                                 Id pointer, Id type) {
  if (!place.leaf || is_large(*p_.module, variable.type))
    return accesses_.load_memory(addresses_.address_of(pointer), type);
  const Leaves& all = values_.get(variable.table);
  Leaves out;
  for (std::uint32_t i = 0; i < leaf_count(*p_.module, type); ++i)
    out.push_back(all[*place.leaf + i]);
  return out;
}

// ---- Loads and stores ---------------------------------------------------------------------

Leaves PrivateMemory::load_private(const PrivatePlace& place, Id pointer, Id type) {
  if (const PrivateVariable* variable = private_variable(p_, place.variable);
      variable && variable->table)
    return load_table(*variable, place, pointer, type);
  PrivateStore& store = private_[place.variable];
  std::vector<Id> types;
  leaf_types(*p_.module, type, types);
  Leaves out;
  if (!store.slots.empty()) {
    places_.note("load from registers");
    for (std::size_t i = 0; i < types.size(); ++i)
      out.push_back(values_.load_slot(store.slots[*place.leaf + i]));
    return out;
  }
  const Val index = private_index(pointer);
  places_.note(index.s.varies_by_lane() ? "load each lane's own cell" : "load rows of cells");
  return load_cells(store, index, types);
}

Leaves PrivateMemory::load_cells(const PrivateStore& store, const Val& index,
                                 const std::vector<Id>& types) {
  Leaves out;
  auto count = static_cast<std::uint32_t>(types.size());
  const std::uint32_t last = store.leaves - std::min(count, store.leaves);
  LlvmValue* memory = private_memory(store);
  std::uint64_t row = std::uint64_t{g_.width} * store.element_size;
  for (std::uint32_t i = 0; i < count; ++i) {
    Val value;
    value.s = Shape::varying(g_.chunks > 1);
    LlvmType* mem = cell_type(types[i], store.element_size);
    for (unsigned c = 0; c < g_.chunks; ++c) {
      LlvmValue* v = nullptr;
      if (!index.s.varies_by_lane()) {
        LlvmValue* n = b_.base_of(index, c);
        LlvmValue* inside = b_.CreateICmpULE(n, b_.getInt32(last));
        LlvmValue* safe = b_.CreateSelect(inside, n, b_.getInt32(0));
        v = b_.CreateAlignedLoad(b_.wide(mem), private_row(memory, safe, i, c, row), Align(4));
        v = b_.CreateSelect(inside, v, llvm::Constant::getNullValue(v->getType()));
      } else {
        LlvmValue* n = b_.vector_of(index, c);
        LlvmValue* inside = b_.CreateICmpULE(n, b_.integer_like(n->getType(), last));
        LlvmValue* pointers = private_lanes(memory, n, i, c, store.element_size);
        v = lanes_.load_places_of(pointers, mem, inside);
      }
      value.v.push_back(from_cell(v, types[i]));
    }
    out.push_back(std::move(value));
  }
  return out;
}

// Scalars lie in cells of one size each, which gathers and scatters know: 4 or 8 bytes.
LlvmValue* PrivateMemory::to_cell(LlvmValue* value, std::uint32_t cell_size) {
  value = places_.to_memory(value);
  LlvmType* type = value->getType();
  if (type->getScalarSizeInBits() == cell_size * 8) return value;
  value = bits_as(b_, value, b_.getIntNTy(type->getScalarSizeInBits()));
  return b_.CreateZExt(value, type->getWithNewType(b_.getIntNTy(cell_size * 8)));
}

LlvmType* PrivateMemory::cell_type(Id scalar, std::uint32_t cell_size) const {
  LlvmType* type = places_.memory_type(scalar);
  return type->getScalarSizeInBits() == cell_size * 8 ? type : b_.getIntNTy(cell_size * 8);
}

LlvmValue* PrivateMemory::from_cell(LlvmValue* value, Id scalar) {
  LlvmType* type = places_.memory_type(scalar);
  const unsigned bits = type->getScalarSizeInBits();
  if (value->getType()->getScalarSizeInBits() != bits) {
    value = b_.CreateTrunc(value, value->getType()->getWithNewType(b_.getIntNTy(bits)));
    value = bits_as(b_, value, type);
  }
  return places_.from_memory(value, scalar);
}

LlvmValue* PrivateMemory::private_row(LlvmValue* memory, LlvmValue* index, std::uint32_t leaf,
                                      unsigned chunk, std::uint64_t row) {
  LlvmValue* n = b_.CreateZExt(b_.CreateAdd(index, b_.getInt32(leaf)), b_.getInt64Ty());
  LlvmValue* offset =
      b_.CreateAdd(b_.CreateMul(n, b_.getInt64(row * g_.chunks)), b_.getInt64(row * chunk));
  return b_.CreateGEP(b_.getInt8Ty(), memory, offset);
}

LlvmValue* PrivateMemory::private_lanes(LlvmValue* memory, LlvmValue* index, std::uint32_t leaf,
                                        unsigned chunk, std::uint32_t element_size) {
  LlvmType* type = index->getType();
  llvm::SmallVector<llvm::Constant*, 16> lanes;
  for (unsigned l = 0; l < g_.width; ++l)
    lanes.push_back(b_.getInt32((leaf * g_.chunks + chunk) * g_.width + l));
  LlvmValue* n = b_.CreateAdd(b_.CreateMul(index, b_.integer_like(type, g_.lanes())),
                              llvm::ConstantVector::get(lanes));
  return b_.CreateGEP(llvm::ArrayType::get(b_.getInt8Ty(), element_size), memory, n);
}

void PrivateMemory::store_private(const PrivatePlace& place, Id pointer, const Leaves& value) {
  PrivateStore& store = private_[place.variable];
  if (!store.slots.empty()) {
    places_.note("store to registers");
    bool blend = static_cast<bool>(a_.masks[at_.block]);
    for (std::size_t i = 0; i < value.size() && *place.leaf + i < store.slots.size(); ++i)
      values_.store_slot(store.slots[*place.leaf + i], value[i], blend ? &at_.mask : nullptr);
    return;
  }
  const Val index = private_index(pointer);
  places_.note(index.s.varies_by_lane() ? "store each lane's own cell" : "store rows of cells");
  store_cells(store, index, value);
}

void PrivateMemory::store_cells(const PrivateStore& store, const Val& index, const Leaves& value) {
  const std::uint32_t last =
      store.leaves - std::min(store.leaves, static_cast<std::uint32_t>(value.size()));
  LlvmValue* memory = private_memory(store);
  std::uint64_t row = std::uint64_t{g_.width} * store.element_size;
  for (std::uint32_t i = 0; i < value.size(); ++i)
    for (unsigned c = 0; c < g_.chunks; ++c) {
      LlvmValue* v = to_cell(b_.vector_of(value[i], c), store.element_size);
      if (index.s.varies_by_lane()) {
        LlvmValue* n = b_.vector_of(index, c);
        LlvmValue* inside = b_.CreateICmpULE(n, b_.integer_like(n->getType(), last));
        lanes_.store_places_of(private_lanes(memory, n, i, c, store.element_size), v,
                               b_.CreateAnd(inside, b_.mask_vector(c)));
        continue;
      }
      LlvmValue* n = b_.base_of(index, c);
      LlvmValue* inside = b_.CreateICmpULE(n, b_.getInt32(last));
      LlvmValue* at = private_row(memory, b_.CreateSelect(inside, n, b_.getInt32(0)), i, c, row);
      LlvmValue* old = b_.CreateAlignedLoad(v->getType(), at, Align(4));
      LlvmValue* take = b_.CreateAnd(b_.mask_vector(c), b_.CreateVectorSplat(g_.width, inside));
      b_.CreateAlignedStore(b_.CreateSelect(take, v, old), at, Align(4));
    }
}

}  // namespace sokr::cpu
