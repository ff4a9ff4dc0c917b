// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/emit/memory/addresses.hpp"

#include <llvm/Analysis/ValueTracking.h>

#include <algorithm>
#include <bit>
#include <numeric>

#include "compiler/analysis/transfer.hpp"

namespace sokr::cpu {

using llvm::ConstantInt;
using spirv::TypeKind;

namespace {

bool is_live_member(const spirv::Member& member) {
  return member.coherent || member.is_volatile;
}

}  // namespace

Addresses::Addresses(VectorBuilder& builder, Frame& frame, Values& values,
                     WorkgroupMemory& workgroup_memory, ConstantTables& constant_tables)
    : Room(builder),
      frame_(frame),
      values_(values),
      workgroup_memory_(workgroup_memory),
      constant_tables_(constant_tables),
      ranges_(p_, a_, g_) {}

// offset + index * stride, for all invocations. Affine terms stay scalars; one term
// that differs freely stays a 32-bit index beside the rest; more become one if they are known to be
// small, and else 64-bit offsets.
void Addresses::add_term(Address& address, const Val& index, LlvmType* type, std::int64_t stride) {
  unsigned bits = type->getIntegerBitWidth();
  LlvmType* i64 = b_.getInt64Ty();
  auto extend = [&](LlvmValue* v) {
    return bits == 64 ? v : b_.CreateSExt(v, v->getType()->getWithNewBitWidth(64));
  };
  auto scaled = [&](LlvmValue* v) {
    return b_.CreateMul(v,
                        ConstantInt::get(v->getType(), static_cast<std::uint64_t>(stride), true));
  };
  bool fits = index.s.affine && std::abs(index.s.ls) < (INT64_C(1) << 28) &&
              std::abs(index.s.cs) < (INT64_C(1) << 28) &&
              std::abs(index.s.rs) < (INT64_C(1) << 28) && stride < (INT64_C(1) << 31);
  if (address.scale && index.s.ls != 0) fits = false;
  if (fits && address.offset.s.affine) {
    const Shape& before = address.offset.s;
    const std::int64_t ls = before.ls + index.s.ls * stride;
    const bool by_chunk = before.chunk || index.s.chunk ||
                          (before.turn && index.s.turn && before.turn != index.s.turn);
    const Shape s =
        by_chunk ? Shape::by_chunk(ls)
                 : Shape::rows(ls, before.cs + index.s.cs * stride, before.rs + index.s.rs * stride,
                               before.turn ? before.turn : index.s.turn, 1);
    address.offset = b_.apply(s, {&address.offset, &index}, [&](llvm::ArrayRef<LlvmValue*> v) {
      return b_.CreateAdd(v[0], scaled(extend(v[1])));
    });
    return;
  }
  // One pointer for all lanes, from which each goes its own way.
  const bool one_base = address.space != Space::kDynamic || !address.begin.s.varies_by_lane();
  bool lone = one_base && address.scale == 0 && address.offset.s.affine &&
              address.offset.s.ls == 0 && bits <= 32 && !index.s.affine && stride > 0 &&
              stride < (INT64_C(1) << 31);
  if (lone) {
    address.index = index;
    if (bits < 32)
      for (auto& v : address.index.v) v = b_.CreateSExt(v, b_.wide(b_.getInt32Ty()));
    address.scale = stride;
    return;
  }
  // Numbers whose sum is known to be small stay one index.
  const bool sums = address.scale && bits == 32 && !index.s.affine && stride > 0 && address.reach &&
                    address.reach->high <= INT32_MAX;
  if (sums) {
    const std::int64_t unit = std::gcd(address.scale, stride);
    address.index = joined_index(b_, g_, address.index, address.scale / unit, index, stride / unit);
    address.scale = unit;
    address.lanes = 0;
    return;
  }
  auto spread = [&](const Val& offset, const Val& by, std::int64_t factor) {
    Shape s = shape_of(merged(divergence_of(offset.s), divergence_of(by.s)));
    return b_.apply(s, {&offset, &by}, [&](llvm::ArrayRef<LlvmValue*> v) {
      LlvmValue* e = v[1]->getType()->getScalarType() == i64
                         ? v[1]
                         : b_.CreateSExt(v[1], v[1]->getType()->getWithNewBitWidth(64));
      return b_.CreateAdd(
          v[0], b_.CreateMul(
                    e, ConstantInt::get(e->getType(), static_cast<std::uint64_t>(factor), true)));
    });
  };
  if (one_base && bits <= 64 && (address.table || (address.scale && address.index.s.table)))
    add_table(b_, g_, address, index, stride);
  if (address.scale) address.offset = spread(address.offset, address.index, address.scale);
  address.scale = 0;
  address.offset = spread(address.offset, index, stride);
}

// 64 bits times a stride may wrap round 2^64 and come back into the memory: an index that may be so
// large is held at 2^54 bytes, which is beyond every end, and which few hundred terms cannot wrap.
Val Addresses::held_index(const Val& index, std::int64_t stride) {
  constexpr unsigned kFar = 54;
  if (stride <= 0) return index;
  const unsigned bits = std::bit_width(static_cast<std::uint64_t>(stride) - 1);
  const unsigned most = kFar - std::min(bits, kFar - 1);  // bits of an index, without its sign
  const llvm::DataLayout& layout = m_.getDataLayout();
  const bool is_small = std::ranges::all_of(
      index.v, [&](LlvmValue* v) { return llvm::ComputeNumSignBits(v, layout) >= 64 - most; });
  if (is_small) return index;
  return b_.apply(index.s, {&index}, [&](llvm::ArrayRef<LlvmValue*> v) -> LlvmValue* {
    LlvmType* type = v[0]->getType();
    LlvmValue* low = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, v[0],
                                              ConstantInt::getSigned(type, -(INT64_C(1) << most)));
    return b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, low,
                                    ConstantInt::getSigned(type, INT64_C(1) << most));
  });
}

void Addresses::track_part(Address& address, const Val& index, std::int64_t stride) {
  if (!address.parts) return;
  if (!index.s.affine || index.s.ls != 0 || index.s.cs != 0 || stride >= (INT64_C(1) << 31)) {
    address.parts = false;
    return;
  }
  LlvmType* i64 = b_.getInt64Ty();
  auto scaled = [&](LlvmValue* v) {
    return b_.CreateMul(b_.CreateSExt(v, i64), b_.getInt64(static_cast<std::uint64_t>(stride)));
  };
  if (!index.s.varies_by_chunk()) {
    LlvmValue* term = scaled(index.v[0]);
    address.common = address.common ? b_.CreateAdd(address.common, term) : term;
    return;
  }
  Val term = b_.apply(Shape::by_chunk(0), {&index},
                      [&](llvm::ArrayRef<LlvmValue*> v) { return scaled(v[0]); });
  if (address.own.v.empty()) {
    address.own = term;
    return;
  }
  address.own = b_.apply(Shape::by_chunk(0), {&address.own, &term},
                         [&](llvm::ArrayRef<LlvmValue*> v) { return b_.CreateAdd(v[0], v[1]); });
}

// A sum of something common and something that only differs between chunks (a row's
// start, say) is two parts, unless it wraps.
bool Addresses::split_term(Address& address, Id index, std::int64_t stride) {
  const Inst* sum = p_.inst(index);
  if (!address.parts || !sum || sum->op != spv::Op::OpIAdd) return false;
  Val a = values_.get(sum->args[0])[0], b = values_.get(sum->args[1])[0];
  if (!a.v[0]->getType()->isIntegerTy(32)) return false;
  if (!a.s.is_uniform()) std::swap(a, b);
  if (!a.s.is_uniform() || !b.s.affine || b.s.ls != 0 || !b.s.chunk) return false;
  // Neither part may come near the limits of 32 bits, or the sum could wrap.
  auto modest = [&](LlvmValue* v) {
    LlvmValue* one =
        b_.CreateICmpULT(b_.CreateAdd(v, b_.getInt32(1u << 30)), b_.getInt32(1u << 31));
    address.sums = address.sums ? b_.CreateAnd(address.sums, one) : one;
  };
  modest(a.v[0]);
  for (LlvmValue* v : b.v) modest(v);
  track_part(address, a, stride);
  track_part(address, b, stride);
  return true;
}

// For what has even steps.
LlvmValue* Addresses::step_between_chunks(Id id) {
  const Shape shape = values_.shape_known(id);
  if (!shape.chunk) return b_.getInt32(static_cast<std::uint32_t>(shape.cs));
  const Inst& inst = *p_.inst(id);
  if (inst.op == spv::Op::OpCopyObject) return step_between_chunks(inst.args[0]);
  if (inst.op == spv::Op::OpIMul) {
    const std::size_t factor = values_.shape_known(inst.args[0]).is_uniform() ? 0 : 1;
    return b_.CreateMul(values_.get(inst.args[factor])[0].v[0],
                        step_between_chunks(inst.args[1 - factor]));
  }
  LlvmValue *a = step_between_chunks(inst.args[0]), *b = step_between_chunks(inst.args[1]);
  return inst.op == spv::Op::OpISub ? b_.CreateSub(a, b) : b_.CreateAdd(a, b);
}

void Addresses::track_step(Address& address, Id index, const Val& value, std::int64_t stride) {
  if (!address.even) return;
  LlvmType* i64 = b_.getInt64Ty();
  const auto add = [&](LlvmValue* step) {
    step = b_.CreateMul(step, b_.getInt64(static_cast<std::uint64_t>(stride)));
    address.step = address.step ? b_.CreateAdd(address.step, step) : step;
  };
  if (!value.s.chunk) {
    address.even = value.s.affine && !value.s.turn;
    if (address.even && value.s.cs) add(b_.getInt64(static_cast<std::uint64_t>(value.s.cs)));
    return;
  }
  llvm::SmallVector<Id, 4> factors;
  address.even = value.s.affine && !address.unwrapped && stride < (INT64_C(1) << 31) &&
                 values_.has_even_steps(index, at_.block, factors);
  if (!address.even) return;
  LlvmValue* step = b_.CreateSExt(step_between_chunks(index), i64);
  // Chunks between the first one and the last one do not wrap if that one does not.
  LlvmValue* last =
      b_.CreateAdd(b_.CreateSExt(value.v[0], i64), b_.CreateMul(step, b_.getInt64(g_.chunks - 1)));
  address.unwrapped = b_.CreateICmpULT(b_.CreateAdd(last, b_.getInt64(UINT64_C(1) << 31)),
                                       b_.getInt64(UINT64_C(1) << 32));
  add(step);
}

llvm::LoadInst* Addresses::binding_size(llvm::LoadInst* size) {
  size->setMetadata(
      llvm::LLVMContext::MD_range,
      llvm::MDBuilder(cx_).createRange(llvm::APInt(64, 0),
                                       llvm::APInt(64, most_binding_bytes(o_.size_shift) + 1)));
  return size;
}

llvm::LoadInst* Addresses::table_field(LlvmValue* entry, std::uint64_t byte, LlvmType* type) {
  auto* load = b_.CreateLoad(
      type, b_.CreateConstGEP1_32(b_.getInt8Ty(), entry, static_cast<unsigned>(byte)));
  load->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(cx_, {}));
  return load;
}

// Where the elements of a binding without a fixed count are among the table's entries (low half),
// and how many there are: its own entry says that (descriptor_table).
LlvmValue* Addresses::elements_of(std::uint32_t binding, LlvmValue* table) {
  LlvmValue*& where = frame_.loaded_at_entry(fmt::format("array{}", binding));
  if (!where) {
    llvm::IRBuilder<>::InsertPointGuard keep(b_);
    b_.SetInsertPoint(at_.entry->getTerminator());
    where = table_field(table, binding * kEntryBytes + kEntrySize, b_.getInt64Ty());
  }
  return where;
}

Address Addresses::buffer_address(const spirv::Variable& variable, const Val* index) {
  Address address;
  const spirv::Type* type = p_.module->type(variable.pointee);
  bool array = type && (type->kind == TypeKind::kArray || type->kind == TypeKind::kRuntimeArray);
  std::uint32_t first = frame_.first_binding(variable.id);
  std::uint32_t count = array ? type->count : 1;
  address.placed.type = array ? type->element : variable.pointee;
  address.alias_scope = frame_.scope_of_binding(variable.set, variable.binding).value_or(-1);
  bool read_only = variable.storage == spv::StorageClass::Uniform && type && !type->buffer_block;
  address.is_volatile = p_.module->is_shared_live(variable);
  address.invariant =
      keeps_values(*p_.module, variable, o_.assume_no_alias) || (read_only && !address.is_volatile);
  LlvmValue* table =
      frame_.context_field(offsetof(KernelContext, bindings), b_.getPtrTy(), "bindings");
  auto field = [&](LlvmValue* at, std::uint64_t byte, LlvmType* t) {
    return table_field(at, byte, t);
  };
  LlvmValue* zero = b_.getInt64(0);
  address.offset = b_.constant_val(zero);
  address.even = true;
  const bool open = type && type->kind == TypeKind::kRuntimeArray;
  // The binding's, of which this variable may be one of several views.
  const bool runtime = frame_.is_runtime_binding(variable.id);
  auto* constant =
      index && !open && index->s.is_uniform() ? llvm::dyn_cast<ConstantInt>(index->v[0]) : nullptr;
  if (open && !index) {  // the array itself, of which nothing is read
    address.base = llvm::ConstantPointerNull::get(b_.getPtrTy());
    address.limit = zero;
    return address;
  }
  if (!index || constant) {
    std::uint64_t at = constant ? constant->getZExtValue() : 0;
    if (at >= count) at = 0;
    const std::string name = runtime ? fmt::format("binding{}element{}", first, at)
                                     : fmt::format("binding{}", first + at);
    if (!frame_.loaded_at_entry(name)) {
      LlvmValue *entry = table, *inside = nullptr;
      std::uint64_t skipped = (first + at) * kEntryBytes;
      LlvmValue* where = runtime ? elements_of(first, table) : nullptr;
      llvm::IRBuilder<>::InsertPointGuard keep(b_);
      b_.SetInsertPoint(at_.entry->getTerminator());
      if (where) {
        inside = b_.CreateICmpULT(b_.getInt64(at), b_.CreateLShr(where, 32));
        LlvmValue* place = b_.CreateAdd(b_.CreateAnd(where, kPlaceOfElements), b_.getInt64(at));
        place = b_.CreateSelect(inside, place, b_.getInt64(first));
        entry = b_.CreateGEP(b_.getInt8Ty(), table, b_.CreateMul(place, b_.getInt64(kEntryBytes)));
        skipped = 0;
      }
      frame_.loaded_at_entry(name) = field(entry, skipped + kEntryData, b_.getPtrTy());
      LlvmValue* size = binding_size(field(entry, skipped + kEntrySize, b_.getInt64Ty()));
      frame_.loaded_at_entry(name + "size") = inside ? b_.CreateSelect(inside, size, zero) : size;
    }
    address.base = frame_.loaded_at_entry(name);
    address.limit = constant && constant->getZExtValue() >= count
                        ? zero
                        : frame_.loaded_at_entry(name + "size");
    return address;
  }
  // A descriptor chosen at run time, maybe another one for each invocation.
  address.alias_scope = -1;
  address.invariant = false;
  address.space = Space::kDynamic;
  Shape shape = shape_of(divergence_of(index->s));
  LlvmValue *place = b_.getInt64(first), *most = b_.getInt64(count);
  if (runtime) {
    LlvmValue* where = elements_of(first, table);
    place = b_.CreateAnd(where, kPlaceOfElements);
    LlvmValue* there = b_.CreateLShr(where, 32);
    most = open ? there : b_.CreateBinaryIntrinsic(llvm::Intrinsic::umin, there, most);
  }
  // Where there is no element at all, the binding's own entry is.
  LlvmValue* none = runtime ? b_.getInt64(first) : nullptr;
  auto entry = [&](unsigned byte, LlvmType* t) {
    return b_.apply(shape, {index}, [&](llvm::ArrayRef<LlvmValue*> v) -> LlvmValue* {
      if (!v[0]->getType()->isVectorTy())
        return element_field(table, {place, most, none}, v[0], byte, t);
      LlvmValue* out = llvm::Constant::getNullValue(b_.wide(b_.getInt64Ty()));
      for (unsigned l = 0; l < g_.width; ++l)
        out = b_.CreateInsertElement(
            out,
            element_field(table, {place, most, none}, b_.CreateExtractElement(v[0], l), byte, t),
            l);
      return out;
    });
  };
  address.begin = entry(kEntryData, b_.getPtrTy());
  address.size = entry(kEntrySize, b_.getInt64Ty());
  return address;
}

Address Addresses::root_address(Id root) {
  const spirv::Variable* variable = p_.module->variable(root);
  const PrivateVariable* own = private_variable(p_, root);
  if (own && own->table) return constant_tables_.table_address(own->table, own->type);
  Address address;
  address.offset = b_.constant_val(b_.getInt64(0));
  if (!variable) {
    b_.internal_error(fmt::format("pointer {} has no memory", root));
    return address;
  }
  switch (variable->storage) {
    case spv::StorageClass::PushConstant:
      address.space = Space::kPush;
      address.base =
          frame_.context_field(offsetof(KernelContext, push_constants), b_.getPtrTy(), "push");
      address.limit = b_.getInt64(frame_.push_size());
      address.placed.type = variable->pointee;
      address.invariant = true;
      return address;
    case spv::StorageClass::Workgroup: {
      address.space = Space::kWorkgroup;
      address.base = workgroup_memory_.base_of(root);
      address.limit = b_.getInt64(workgroup_memory_.size_of(root));
      address.root = variable->pointee;
      address.placed = workgroup_memory_.workgroup_place(variable->pointee);
      address.alias_scope = frame_.scope_of_variable(root).value_or(-1);
      return address;
    }
    default:
      return buffer_address(*variable, nullptr);
  }
}

// Of a pointer that was a value nobody knows what it points into: may that be what others write
// meanwhile? A block's own members say so themselves.
bool Addresses::may_be_live(const spirv::Type& pointer) {
  if (pointer.storage == spv::StorageClass::StorageBuffer ||
      pointer.storage == spv::StorageClass::Uniform)
    return std::ranges::any_of(p_.entry->globals, [&](Id id) {
      const spirv::Variable* variable = p_.module->variable(id);
      return variable && variable->has_binding && p_.module->is_shared_live(*variable);
    });
  const spirv::Type* pointee = p_.module->type(pointer.element);
  if (pointer.storage != spv::StorageClass::PhysicalStorageBuffer || !pointee ||
      pointee->kind == TypeKind::kStruct)
    return false;
  if (!some_member_is_live_) {
    some_member_is_live_ = false;
    for (Id id = 1; id < p_.module->bound() && !*some_member_is_live_; ++id)
      if (const spirv::Type* type = p_.module->type(id))
        some_member_is_live_ = std::ranges::any_of(type->members, is_live_member);
  }
  return *some_member_is_live_;
}

Address Addresses::dynamic_address(const Leaves& pointer, Id pointer_type) {
  const spirv::Type* type = p_.module->type(pointer_type);
  Address address;
  address.reach.reset();
  address.counted = false;
  address.anywhere = true;
  if (type) address.placed = pointee_of(*type);
  address.is_volatile = type && may_be_live(*type);
  if (pointer.size() == 1) {
    address.space = Space::kPhysical;
    address.base = llvm::ConstantPointerNull::get(b_.getPtrTy());
    address.offset = pointer[0];
    return address;
  }
  address.space = Space::kDynamic;
  if (pointer.size() != kPointerLeaves) {
    b_.internal_error("a pointer has no place");
    address.begin = address.size = address.offset = b_.constant_val(b_.getInt64(0));
    return address;
  }
  address.begin = pointer[0];
  address.size = pointer[1];
  address.offset = pointer[2];
  if (address.begin.s.is_uniform() && address.size.s.is_uniform()) {
    address.space = Space::kBuffer;
    address.base = b_.CreateIntToPtr(address.begin.v[0], b_.getPtrTy());
    address.limit = address.size.v[0];
  }
  return address;
}

void Addresses::add_reach(Address& address, const std::optional<Range>& index,
                          std::int64_t stride) {
  auto by = static_cast<std::uint64_t>(stride);
  if (!address.reach || !index || stride < 0 || stride > INT32_MAX) {
    address.reach.reset();
    return;
  }
  address.reach->low += index->low * by;
  address.reach->high += index->high * by;
  if (address.reach->high > INT64_MAX / 2) address.reach.reset();
}

namespace {

// Numbers of other widths count with their sign: those are not counted.
void count_element(Address& address, const Val& index, std::int64_t stride) {
  constexpr std::int64_t kMost = INT64_C(1) << 30;
  auto* constant = llvm::dyn_cast<ConstantInt>(index.v[0]);
  const bool fits = stride >= 0 && stride < kMost && address.element_offset < kMost;
  if (fits && constant && constant->getBitWidth() == 32 && constant->getZExtValue() < kMost) {
    address.element_offset += static_cast<std::int64_t>(constant->getZExtValue()) * stride;
  } else if (fits && address.element.v.empty() && index.s.is_uniform() &&
             index.v[0]->getType()->isIntegerTy(32)) {
    address.element = index;
    address.element_stride = stride;
  } else {
    address.counted = false;
  }
}

}  // namespace

// May a step of the pointer, which has a sign, lead from here to what is in range, back over where
// the memory begins for an index? Offset and index are each tested without a sign, which is right
// only from the memory's start on, where nothing lies before.
bool Addresses::leads_back(const Address& address) const {
  if (!address.limit) return false;  // added up in 64 bits
  auto* start =
      address.offset.s.is_uniform() ? llvm::dyn_cast<ConstantInt>(address.offset.v[0]) : nullptr;
  return address.scale != 0 || !start || !start->isZero();
}

// Makes the index beside the offset part of it.
void Addresses::fold_index(Address& address) {
  if (address.scale == 0) return;
  const Val index = address.index;
  const auto scale = static_cast<std::uint64_t>(address.scale);
  address.scale = 0;
  address.lanes = 0;
  const Shape s = shape_of(merged(divergence_of(address.offset.s), divergence_of(index.s)));
  address.offset = b_.apply(s, {&address.offset, &index}, [&](llvm::ArrayRef<LlvmValue*> v) {
    LlvmValue* e = b_.CreateSExt(v[1], v[1]->getType()->getWithNewBitWidth(64));
    return b_.CreateAdd(v[0], b_.CreateMul(e, ConstantInt::get(e->getType(), scale)));
  });
}

void Addresses::walk_chain(Address& address, const Inst& chain) {
  std::size_t first = 1;
  const Definition* made = p_.definition(chain.id);
  const std::uint32_t chain_block = made && made->block != kNone ? made->block : at_.block;
  const spirv::Variable* variable = p_.module->variable(look_through(p_, chain.args[0]));
  bool pointer_step =
      chain.op == spv::Op::OpPtrAccessChain || chain.op == spv::Op::OpInBoundsPtrAccessChain;
  auto add = [&](Id index, std::int64_t stride, bool is_step = false) {
    Leaves value = values_.get(index);
    if (value.empty()) return;
    LlvmType* type = b_.scalar_type(p_.type_of(index));
    const bool goes_back = is_step && leads_back(address);
    if (goes_back) fold_index(address);
    if (type->isIntegerTy(64) && address.space != Space::kPhysical)
      value[0] = held_index(value[0], stride);
    if (is_wide_term(address, index, stride) || (goes_back && !value[0].s.affine))
      return add_wide_term(address, value[0], stride,
                           is_step || p_.module->type(p_.type_of(index))->is_signed);
    add_reach(address, b_.has(Part::kRanges) ? ranges_.of(index, chain_block) : std::nullopt,
              stride);
    if (goes_back) address.counted = false;
    if (g_.lanes() == 1) count_element(address, value[0], stride);
    if (!split_term(address, index, stride)) track_part(address, value[0], stride);
    track_step(address, index, value[0], stride);
    const bool alone = address.scale == 0;
    add_term(address, value[0], type, stride);
    if (alone && address.scale) address.lanes = type->isIntegerTy(32) ? index : 0;
  };
  if (variable && !pointer_step && address.space == Space::kBuffer) {
    const spirv::Type* type = p_.module->type(variable->pointee);
    if (type && (type->kind == TypeKind::kArray || type->kind == TypeKind::kRuntimeArray)) {
      Leaves index = values_.get(chain.args[1]);
      address = buffer_address(*variable, &index[0]);
      first = 2;
    }
  }
  if (const spirv::Type* array = variable ? nullptr : buffer_array(p_.type_of(chain.args[0]))) {
    const Leaves from = values_.get(look_through(p_, chain.args[0]));
    const Leaves index = values_.get(chain.args[1]);
    if (from.size() != kPointerLeaves || index.empty()) return;
    const bool is_volatile = address.is_volatile;
    address = element_of(from, *array, index[0]);
    address.is_volatile = is_volatile;
    first = 2;
  }
  if (pointer_step) {
    const spirv::Type* pointer = p_.module->type(p_.type_of(chain.args[0]));
    if (!pointer) return;
    add(chain.args[1], static_cast<std::int64_t>(element_stride(*pointer, address.placed)), true);
    first = 2;
  }
  for (std::size_t i = first; i < chain.args.size(); ++i) {
    const spirv::Type* type = p_.module->type(address.placed.type);
    if (!type) return;
    const spirv::Constant* constant = p_.constant(chain.args[i]);
    if (type->kind == TypeKind::kStruct) {
      std::uint64_t offset = 0;
      const auto member = constant ? static_cast<std::uint32_t>(constant->bits) : 0;
      address.placed = placed_part(*p_.module, address.placed, member, &offset);
      if (address.space != Space::kWorkgroup && member < type->members.size())
        address.is_volatile |= is_live_member(type->members[member]);
      track_part(address, b_.constant_val(b_.getInt64(offset)), 1);
      add_reach(address, Range{offset, offset}, 1);
      address.element_offset += static_cast<std::int64_t>(offset);
      add_term(address, b_.constant_val(b_.getInt64(offset)), b_.getInt64Ty(), 1);
      continue;
    }
    auto stride = static_cast<std::int64_t>(placed_stride(*p_.module, address.placed));
    std::uint64_t unused = 0;
    address.placed = placed_part(*p_.module, address.placed, 0, &unused);
    add(chain.args[i], stride);
  }
}

Address Addresses::address_of(Id pointer) {
  pointer = look_through(p_, pointer);
  if (p_.module->variable(pointer) || private_variable(p_, pointer)) return root_address(pointer);
  const Inst* inst = p_.inst(pointer);
  bool chain =
      inst &&
      (inst->op == spv::Op::OpAccessChain || inst->op == spv::Op::OpInBoundsAccessChain ||
       inst->op == spv::Op::OpPtrAccessChain || inst->op == spv::Op::OpInBoundsPtrAccessChain);
  if (!chain) {
    Leaves leaves = values_.get(pointer);
    return dynamic_address(leaves, p_.type_of(pointer));
  }
  Address address = address_of(inst->args[0]);
  walk_chain(address, *inst);
  return address;
}

// The three (or one) numbers that a pointer is as a value.
Leaves Addresses::pointer_leaves(Id pointer) {
  if (private_place(p_, pointer)) {
    b_.internal_error("a pointer to private memory is used as a value");
    return Leaves(kPointerLeaves, b_.constant_val(b_.getInt64(0)));
  }
  const spirv::Variable* root = p_.module->variable(look_through(p_, pointer));
  if (const spirv::Type* array = root ? buffer_array(root->type) : nullptr)
    return array_leaves(*root, *array);
  Address address = address_of(pointer);
  fold_index(address);
  if (address.space == Space::kPhysical) return {address.offset};
  if (address.space == Space::kDynamic) return {address.begin, address.size, address.offset};
  LlvmValue* limit = address.limit ? address.limit : b_.getInt64(UINT64_MAX >> 1);
  return {b_.constant_val(b_.CreatePtrToInt(address.base, b_.getInt64Ty())), b_.constant_val(limit),
          address.offset};
}

// Bytes from one element to the next one, for whoever counts elements from a pointer.
std::uint64_t Addresses::element_stride(const spirv::Type& pointer, const Placed& pointee) const {
  return pointer.stride && !pointee.natural ? pointer.stride : placed_size(*p_.module, pointee);
}

// Do two pointers lead to the same byte, and how many elements lie between them?
Leaves Addresses::emit_pointer_test(const Op& op) {
  const spirv::Type* pointer = p_.module->type(p_.type_of(op.inst.args[0]));
  if (!pointer || op.args[0].empty() || op.args[0].size() != op.args[1].size()) {
    b_.internal_error(fmt::format("{} is applied to no pointers", spirv::op_name(op.inst.op)));
    return {b_.zero_val(op.shape(0), b_.scalar_type(op.inst.type))};
  }
  const bool physical = op.args[0].size() == 1;
  llvm::SmallVector<const Val*, 4> parts;
  for (std::size_t i : {0u, 1u}) {
    parts.push_back(&op.args[i][0]);
    if (!physical) parts.push_back(&op.args[i][2]);
  }
  const std::uint64_t stride =
      std::max<std::uint64_t>(1, element_stride(*pointer, pointee_of(*pointer)));
  return {b_.apply(op.shape(0), parts, [&](llvm::ArrayRef<LlvmValue*> v) -> LlvmValue* {
    LlvmValue* a = physical ? v[0] : b_.CreateAdd(v[0], v[1]);
    LlvmValue* b = physical ? v[1] : b_.CreateAdd(v[2], v[3]);
    if (op.inst.op == spv::Op::OpPtrEqual) return b_.CreateICmpEQ(a, b);
    if (op.inst.op == spv::Op::OpPtrNotEqual) return b_.CreateICmpNE(a, b);
    LlvmValue* bytes = b_.CreateSub(a, b);
    LlvmValue* elements = b_.CreateSDiv(bytes, b_.integer_like(bytes->getType(), stride));
    return b_.CreateSExtOrTrunc(elements,
                                bytes->getType()->getWithNewType(b_.scalar_type(op.inst.type)));
  })};
}

// ---- Bounds ---------------------------------------------------------------------------------

bool Addresses::is_scalar_address(const Address& address) const {
  if (address.scale || address.offset.s.varies_by_lane()) return false;
  if (address.space != Space::kDynamic) return true;
  return !address.begin.s.varies_by_lane() && !address.size.s.varies_by_lane();
}

// May 32 bits with their sign be too few for an index that is in range? It then has its own 64
// bits in each invocation, signed as its type is: what is affine in 32 bits may wrap.
bool Addresses::is_wide_term(const Address& address, Id index, std::int64_t stride) const {
  if (o_.size_shift == 0 || stride <= 0 || stride >> o_.size_shift != 0) return false;
  const spirv::Type* type = p_.module->type(p_.type_of(index));
  const bool is_buffer = address.space == Space::kBuffer || address.space == Space::kDynamic;
  const spirv::Constant* constant = p_.constant(index);
  return is_buffer && type && type->width <= 32 && !(constant && constant->bits <= INT32_MAX);
}

void Addresses::add_wide_term(Address& address, const Val& value, std::int64_t stride,
                              bool is_signed) {
  address.reach.reset();
  address.counted = address.parts = address.even = false;
  const Shape shape = value.s.is_uniform() ? value.s : shape_of(divergence_of(value.s));
  Val wide_index = b_.apply(shape, {&value}, [&](llvm::ArrayRef<LlvmValue*> v) -> LlvmValue* {
    LlvmType* type = v[0]->getType()->getWithNewBitWidth(64);
    if (v[0]->getType() == type) return v[0];
    return is_signed ? b_.CreateSExt(v[0], type) : b_.CreateZExt(v[0], type);
  });
  add_term(address, wide_index, b_.getInt64Ty(), stride);
}

}  // namespace sokr::cpu
