// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Copies of values of many scalars: loops over elements, in them a load and a store of all
// invocations.
#include "compiler/emitter.hpp"
#include "compiler/transfer.hpp"

namespace sokr::cpu {

// Where a copy reads or writes.
struct Emitter::Bulk {
  const PrivateStore* store = nullptr;  // private memory, from scalar number `index`
  Val index;
  Address address;     // other memory
  bool zeros = false;  // nothing is read, all is zero
};

Emitter::Bulk Emitter::bulk_of(Id id, Id type) {
  Bulk bulk;
  if (const spirv::Constant* constant = p_.constant(id)) {
    bulk.zeros = constant->is_null || constant->is_undef;
    if (!bulk.zeros) bulk.address = table_address(id, type);
    return bulk;
  }
  const auto place = private_place(p_, id);
  const PrivateVariable* variable = place ? private_variable(p_, place->variable) : nullptr;
  if (variable && !variable->table) {
    bulk.store = &private_[place->variable];
    bulk.index = private_index(id);
  } else {
    bulk.address = address_of(id);
  }
  return bulk;
}

// A part at a constant place: a member, or an element.
Emitter::Bulk Emitter::bulk_member(const Bulk& whole, Id type, std::uint32_t member) {
  Bulk part = whole;
  if (whole.zeros) return part;
  if (whole.store) {
    const Val offset = constant_val(b_.getInt32(leaf_offset(*p_.module, type, member)));
    part.index = apply(whole.index.s, {&whole.index, &offset},
                       [&](llvm::ArrayRef<LlvmValue*> v) { return b_.CreateAdd(v[0], v[1]); });
    return part;
  }
  std::uint64_t offset = 0;
  part.address.placed = placed_part(*p_.module, whole.address.placed, member, &offset);
  advance(part.address, constant_val(b_.getInt64(offset)), 1, Range{offset, offset});
  return part;
}

// Element `number` (i64, below `count`) of an array.
Emitter::Bulk Emitter::bulk_element(const Bulk& whole, Id type, LlvmValue* number,
                                    std::uint32_t count) {
  Bulk part = whole;
  if (whole.zeros) return part;
  if (whole.store) {
    const Id element = element_type(*p_.module, type, 0);
    const Val offset = constant_val(b_.CreateMul(b_.CreateTrunc(number, b_.getInt32Ty()),
                                                 b_.getInt32(leaf_count(*p_.module, element))));
    part.index = apply(whole.index.s, {&whole.index, &offset},
                       [&](llvm::ArrayRef<LlvmValue*> v) { return b_.CreateAdd(v[0], v[1]); });
    return part;
  }
  const auto stride = placed_stride(*p_.module, whole.address.placed);
  std::uint64_t unused = 0;
  part.address.placed = placed_part(*p_.module, whole.address.placed, 0, &unused);
  advance(part.address, constant_val(number), static_cast<std::int64_t>(stride),
          Range{0, count - 1});
  return part;
}

// Moves an address by a number that is the same for all and lies in a range.
void Emitter::advance(Address& address, const Val& number, std::int64_t stride, Range range) {
  address.parts = address.even = address.counted = false;
  add_reach(address, range, stride);
  add_term(address, number, b_.getInt64Ty(), stride);
}

void Emitter::copy_part(const Bulk& to, const Bulk& from, Id type) {
  if (!is_large(*p_.module, type)) return copy_whole(to, from, type);
  const spirv::Type* t = p_.module->type(type);
  if (t->kind == spirv::TypeKind::kStruct) {
    for (std::uint32_t i = 0; i < t->members.size() && !failure_; ++i)
      copy_part(bulk_member(to, type, i), bulk_member(from, type, i), t->members[i].type);
    return;
  }
  BasicBlock* before = b_.GetInsertBlock();
  BasicBlock* loop = BasicBlock::Create(cx_, "copy", fn_);
  BasicBlock* done = BasicBlock::Create(cx_, "copied", fn_);
  jump(loop);
  b_.SetInsertPoint(loop);
  llvm::PHINode* number = b_.CreatePHI(b_.getInt64Ty(), 2);
  number->addIncoming(b_.getInt64(0), before);
  copy_part(bulk_element(to, type, number, t->count), bulk_element(from, type, number, t->count),
            t->element);
  LlvmValue* next = b_.CreateAdd(number, b_.getInt64(1));
  number->addIncoming(next, b_.GetInsertBlock());
  branch(b_.CreateICmpULT(next, b_.getInt64(t->count)), loop, done);
  b_.SetInsertPoint(done);
}

void Emitter::copy_whole(const Bulk& to, const Bulk& from, Id type) {
  std::vector<Id> types;
  leaf_types(*p_.module, type, types);
  if (types.empty()) return;
  Leaves value;
  if (from.zeros) {
    for (Id one : types) value.push_back(zero_val(Shape::uniform(), scalar_type(one)));
  } else if (from.store) {
    value = load_cells(*from.store, from.index, types);
  } else {
    value = load_memory(from.address, from.address.placed.type);
  }
  if (to.store)
    store_cells(*to.store, to.index, value);
  else
    store_memory(to.address, value);
}

// For whom `condition` holds, if it is not 0.
void Emitter::emit_copy(Id to, Id from, Id condition, Id type) {
  settle_held();
  const Val everyone = mask_;
  if (condition) mask_ = mask_and(mask_, get(condition)[0]);
  const Bulk source = bulk_of(from, type), target = bulk_of(to, type);
  copy_part(target, source, type);
  settle_held();
  mask_ = everyone;
}

}  // namespace sokr::cpu
