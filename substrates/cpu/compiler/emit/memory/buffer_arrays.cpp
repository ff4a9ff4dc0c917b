// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Pointers to arrays of buffers as values: which array, and so which descriptor, is known only when
// the kernel runs.
#include "compiler/analysis/transfer.hpp"
#include "compiler/emit/memory/addresses.hpp"

namespace sokr::cpu {

using spirv::TypeKind;

// A field of the descriptor `index` of these, a pointer as a number; a size is 0 where there are
// fewer.
LlvmValue* Addresses::element_field(LlvmValue* table, const Elements& from, LlvmValue* index,
                                    unsigned byte, LlvmType* type) {
  LlvmValue* zero = b_.getInt64(0);
  index = b_.CreateZExtOrTrunc(index, b_.getInt64Ty());
  LlvmValue* inside = b_.CreateICmpULT(index, from.count);
  LlvmValue* at = from.none ? b_.CreateSelect(inside, b_.CreateAdd(index, from.place), from.none)
                            : b_.CreateAdd(b_.CreateSelect(inside, index, zero), from.place);
  LlvmValue* row = b_.CreateGEP(b_.getInt8Ty(), table, b_.CreateMul(at, b_.getInt64(kEntryBytes)));
  LlvmValue* value = table_field(row, byte, type);
  if (type->isPointerTy()) return b_.CreatePtrToInt(value, b_.getInt64Ty());
  return b_.CreateSelect(inside, value, zero);
}

// A pointer to an array of buffers as a value: where its elements are among the table's entries,
// how many there are, and 0. Null if the pointee is no such array.
const spirv::Type* Addresses::buffer_array(Id pointer_type) const {
  const spirv::Type* type = p_.module->type(pointer_type);
  if (!type || type->kind != TypeKind::kPointer ||
      (type->storage != spv::StorageClass::StorageBuffer &&
       type->storage != spv::StorageClass::Uniform))
    return nullptr;
  const spirv::Type* array = p_.module->type(type->element);
  if (!array || (array->kind != TypeKind::kArray && array->kind != TypeKind::kRuntimeArray))
    return nullptr;
  const spirv::Type* element = p_.module->type(array->element);
  return element && (element->block || element->buffer_block) ? array : nullptr;
}

Leaves Addresses::array_leaves(const spirv::Variable& variable, const spirv::Type& array) {
  const std::uint32_t first = frame_.first_binding(variable.id);
  LlvmValue *place = b_.getInt64(first), *count = b_.getInt64(array.count);
  if (frame_.is_runtime_binding(variable.id)) {
    LlvmValue* table =
        frame_.context_field(offsetof(KernelContext, bindings), b_.getPtrTy(), "bindings");
    LlvmValue* where = elements_of(first, table);
    place = b_.CreateAnd(where, kPlaceOfElements);
    LlvmValue* there = b_.CreateLShr(where, 32);
    count = array.kind == TypeKind::kRuntimeArray
                ? there
                : b_.CreateBinaryIntrinsic(llvm::Intrinsic::umin, there, count);
  }
  return {b_.constant_val(place), b_.constant_val(count), b_.constant_val(b_.getInt64(0))};
}

// Nobody knows of which array.
Address Addresses::element_of(const Leaves& array, const spirv::Type& type, const Val& index) {
  Address address;
  address.space = Space::kDynamic;
  address.anywhere = true;
  address.placed.type = type.element;
  address.offset = b_.constant_val(b_.getInt64(0));
  LlvmValue* table =
      frame_.context_field(offsetof(KernelContext, bindings), b_.getPtrTy(), "bindings");
  const Val &place = array[0], &count = array[1];
  const Shape shape = shape_of(
      merged(divergence_of(index.s), merged(divergence_of(place.s), divergence_of(count.s))));
  auto entry = [&](unsigned byte, LlvmType* t) {
    return b_.apply(shape, {&index, &place, &count}, [&](llvm::ArrayRef<LlvmValue*> v) {
      // Of no array at all there is no element, and the table has a first entry.
      auto one = [&](LlvmValue* i, LlvmValue* from, LlvmValue* most) {
        return element_field(table, {from, most, b_.getInt64(0)}, i, byte, t);
      };
      if (!v[0]->getType()->isVectorTy()) return one(v[0], v[1], v[2]);
      LlvmValue* out = llvm::Constant::getNullValue(b_.wide(b_.getInt64Ty()));
      for (unsigned l = 0; l < g_.width; ++l)
        out = b_.CreateInsertElement(
            out,
            one(b_.CreateExtractElement(v[0], l), b_.CreateExtractElement(v[1], l),
                b_.CreateExtractElement(v[2], l)),
            l);
      return out;
    });
  };
  address.begin = entry(kEntryData, b_.getPtrTy());
  address.size = entry(kEntrySize, b_.getInt64Ty());
  return address;
}

}  // namespace sokr::cpu
