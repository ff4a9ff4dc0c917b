// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Copies of values of many scalars: loops over elements, in them a load and a store of all
// invocations.
#include "compiler/emit/memory/copies.hpp"

namespace sokr::cpu {

// Where a copy reads or writes.
struct Copies::Bulk {
  const PrivateMemory::PrivateStore* store = nullptr;  // private memory, from scalar number `index`
  Val index;
  Address address;     // other memory
  bool zeros = false;  // nothing is read, all is zero
};

Copies::Bulk Copies::bulk_of(Id id, Id type) {
  Bulk bulk;
  if (const spirv::Constant* constant = p_.constant(id)) {
    bulk.zeros = constant->is_null || constant->is_undef;
    if (!bulk.zeros) bulk.address = constant_tables_.table_address(id, type);
    return bulk;
  }
  const auto place = private_place(p_, id);
  const PrivateVariable* variable = place ? private_variable(p_, place->variable) : nullptr;
  if (variable && !variable->table) {
    bulk.store = &private_memory_.store_of(place->variable);
    bulk.index = private_memory_.private_index(id);
  } else {
    bulk.address = addresses_.address_of(id);
  }
  return bulk;
}

// A part at a constant place: a member, or an element.
Copies::Bulk Copies::bulk_member(const Bulk& whole, Id type, std::uint32_t member) {
  Bulk part = whole;
  if (whole.zeros) return part;
  if (whole.store) {
    const Val offset = b_.constant_val(b_.getInt32(leaf_offset(*p_.module, type, member)));
    part.index = b_.apply(whole.index.s, {&whole.index, &offset},
                          [&](llvm::ArrayRef<LlvmValue*> v) { return b_.CreateAdd(v[0], v[1]); });
    return part;
  }
  std::uint64_t offset = 0;
  part.address.placed = placed_part(*p_.module, whole.address.placed, member, &offset);
  advance(part.address, b_.constant_val(b_.getInt64(offset)), 1, Range{offset, offset});
  return part;
}

// Element `number` (i64, below `count`) of an array.
Copies::Bulk Copies::bulk_element(const Bulk& whole, Id type, LlvmValue* number,
                                  std::uint32_t count) {
  Bulk part = whole;
  if (whole.zeros) return part;
  if (whole.store) {
    const Id element = element_type(*p_.module, type, 0);
    const Val offset = b_.constant_val(b_.CreateMul(b_.CreateTrunc(number, b_.getInt32Ty()),
                                                    b_.getInt32(leaf_count(*p_.module, element))));
    part.index = b_.apply(whole.index.s, {&whole.index, &offset},
                          [&](llvm::ArrayRef<LlvmValue*> v) { return b_.CreateAdd(v[0], v[1]); });
    return part;
  }
  const auto stride = placed_stride(*p_.module, whole.address.placed);
  std::uint64_t unused = 0;
  part.address.placed = placed_part(*p_.module, whole.address.placed, 0, &unused);
  advance(part.address, b_.constant_val(number), static_cast<std::int64_t>(stride),
          Range{0, count - 1});
  return part;
}

// Moves an address by a number that is the same for all and lies in a range.
void Copies::advance(Address& address, const Val& number, std::int64_t stride, Range range) {
  address.parts = address.even = address.counted = false;
  addresses_.add_reach(address, range, stride);
  addresses_.add_term(address, number, b_.getInt64Ty(), stride);
}

void Copies::copy_part(const Bulk& to, const Bulk& from, Id type) {
  if (!is_large(*p_.module, type)) return copy_whole(to, from, type);
  const spirv::Type* t = p_.module->type(type);
  if (t->kind == spirv::TypeKind::kStruct) {
    for (std::uint32_t i = 0; i < t->members.size() && !b_.failure; ++i)
      copy_part(bulk_member(to, type, i), bulk_member(from, type, i), t->members[i].type);
    return;
  }
  BasicBlock* before = b_.GetInsertBlock();
  BasicBlock* loop = BasicBlock::Create(cx_, "copy", at_.function);
  BasicBlock* done = BasicBlock::Create(cx_, "copied", at_.function);
  branches_.jump(loop);
  b_.SetInsertPoint(loop);
  llvm::PHINode* number = b_.CreatePHI(b_.getInt64Ty(), 2);
  number->addIncoming(b_.getInt64(0), before);
  copy_part(bulk_element(to, type, number, t->count), bulk_element(from, type, number, t->count),
            t->element);
  LlvmValue* next = b_.CreateAdd(number, b_.getInt64(1));
  number->addIncoming(next, b_.GetInsertBlock());
  branches_.branch(b_.CreateICmpULT(next, b_.getInt64(t->count)), loop, done);
  b_.SetInsertPoint(done);
}

void Copies::copy_whole(const Bulk& to, const Bulk& from, Id type) {
  std::vector<Id> types;
  leaf_types(*p_.module, type, types);
  if (types.empty()) return;
  Leaves value;
  if (from.zeros) {
    for (Id one : types) value.push_back(b_.zero_val(Shape::uniform(), b_.scalar_type(one)));
  } else if (from.store) {
    value = private_memory_.load_cells(*from.store, from.index, types);
  } else {
    value = accesses_.load_memory(from.address, from.address.placed.type);
  }
  if (to.store)
    private_memory_.store_cells(*to.store, to.index, value);
  else
    accesses_.store_memory(to.address, value);
}

// For whom `condition` holds, if it is not 0.
void Copies::emit_copy(Id to, Id from, Id condition, Id type) {
  cache_.settle_held();
  const Val everyone = at_.mask;
  if (condition) at_.mask = b_.mask_and(at_.mask, values_.get(condition)[0]);
  const Bulk source = bulk_of(from, type), target = bulk_of(to, type);
  copy_part(target, source, type);
  cache_.settle_held();
  at_.mask = everyone;
}

}  // namespace sokr::cpu
