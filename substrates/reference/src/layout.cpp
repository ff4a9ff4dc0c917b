// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>

#include "lowering.hpp"

namespace sokr::reference {

using spirv::Id;
using spirv::Type;
using spirv::TypeKind;

namespace {

// A single value larger than this is refused: it would not fit an invocation's stack.
constexpr std::uint64_t kMaxValueSlots = std::uint64_t{1} << 20;

// Of all types that are loaded from buffers or stored there as wholes.
constexpr std::size_t kMaxLeaves = std::size_t{1} << 22;

const Type kNoType{};

}  // namespace

const Type& Lowerer::type(Id id) const {
  const Type* found = module_->type(id);
  return found ? *found : kNoType;
}

const Type& Lowerer::scalar(Id id) const {
  const Type& outer = type(id);
  if (outer.kind == TypeKind::kVector || outer.kind == TypeKind::kMatrix)
    return scalar(outer.element);
  return outer;
}

std::uint32_t Lowerer::components(Id id) const {
  const Type& outer = type(id);
  if (outer.kind == TypeKind::kVector) return outer.count;
  if (outer.kind == TypeKind::kMatrix) return outer.count * components(outer.element);
  return 1;
}

std::uint32_t Lowerer::slots(Id id) {
  if (id >= slots_.size()) return 1;
  if (slots_[id]) return slots_[id];
  const Type& t = type(id);
  std::uint64_t count = 0;
  switch (t.kind) {
    case TypeKind::kBool:
    case TypeKind::kInt:
    case TypeKind::kFloat:
      count = 1;
      break;
    case TypeKind::kVector:
    case TypeKind::kMatrix:
    case TypeKind::kArray:
      count = std::uint64_t{t.count} * slots(t.element);
      break;
    case TypeKind::kStruct:
      for (const auto& member : t.members) count += slots(member.type);
      break;
    case TypeKind::kPointer:
      count = kPointerSlots;
      break;
    case TypeKind::kVoid:
    case TypeKind::kFunction:
      break;
    default:
      deny(SOKR_CAPABILITY_DENIED, fmt::format("the reference interpreter has no values of {} ({})",
                                               module_->describe(id), spirv::op_name(t.op)));
      return 1;
  }
  if (count > kMaxValueSlots) {
    deny(SOKR_CAPABILITY_DENIED,
         fmt::format("a value of type {} has {} components; the reference interpreter takes at "
                     "most {}",
                     module_->describe(id), count, kMaxValueSlots));
    return 1;
  }
  return slots_[id] = static_cast<std::uint32_t>(count);
}

std::uint32_t Lowerer::member_slot(const Type& structure, std::uint32_t member) {
  std::uint32_t slot = 0;
  for (std::uint32_t i = 0; i < member && i < structure.members.size(); ++i)
    slot += slots(structure.members[i].type);
  return slot;
}

bool Lowerer::is_explicit(spv::StorageClass storage) const {
  switch (storage) {
    case spv::StorageClass::StorageBuffer:
    case spv::StorageClass::Uniform:
    case spv::StorageClass::PushConstant:
    case spv::StorageClass::PhysicalStorageBuffer:
      return true;
    case spv::StorageClass::Workgroup:
      return entry_.explicit_workgroup;
    default:
      return false;
  }
}

bool Lowerer::is_descriptor_array(const Type& pointer) const {
  if (pointer.storage != spv::StorageClass::StorageBuffer &&
      pointer.storage != spv::StorageClass::Uniform)
    return false;
  const Type& pointee = type(pointer.element);
  if (pointee.kind != TypeKind::kArray && pointee.kind != TypeKind::kRuntimeArray) return false;
  const Type& element = type(pointee.element);
  return element.block || element.buffer_block;
}

Slot Lowerer::default_strides(Id pointee) const {
  const Type& t = type(pointee);
  if (t.kind == TypeKind::kArray || t.kind == TypeKind::kRuntimeArray)
    return default_strides(t.element);
  const std::uint32_t bytes = scalar(pointee).width / 8;
  const std::uint32_t rows = t.kind == TypeKind::kMatrix ? components(t.element) : 1;
  return make_strides(bytes, bytes * rows);
}

std::pair<std::uint32_t, std::uint32_t> Lowerer::plan(Id id) {
  const auto found = plans_.find(id);
  if (found != plans_.end()) return found->second;
  const auto first = static_cast<std::uint32_t>(program_->leaves.size());
  visit_leaves(id, 0, 0, nullptr);
  const auto count = static_cast<std::uint32_t>(program_->leaves.size()) - first;
  return plans_[id] = {first, count};
}

// `matrix` null: the strides of the pointer apply to vectors and matrices.
void Lowerer::visit_leaves(Id id, std::uint64_t offset, std::uint32_t column,
                           const spirv::MatrixLayout* matrix) {
  if (failed()) return;
  if (program_->leaves.size() >= kMaxLeaves) {
    return deny(SOKR_CAPABILITY_DENIED,
                fmt::format("types that are loaded or stored as a whole, {} among them, have more "
                            "than the {} components that the reference interpreter takes",
                            module_->describe(id), kMaxLeaves));
  }
  const Type& t = type(id);
  switch (t.kind) {
    case TypeKind::kInt:
    case TypeKind::kFloat:
      program_->leaves.push_back({offset, 0, 0, static_cast<std::uint8_t>(t.width / 8)});
      return;
    case TypeKind::kPointer:
      program_->leaves.push_back({offset, 0, 0, 8, true, default_strides(t.element)});
      return;
    case TypeKind::kVector: {
      const auto bytes = static_cast<std::uint8_t>(type(t.element).width / 8);
      for (std::uint32_t row = 0; row < t.count; ++row) {
        const bool across = matrix && matrix->row_major && matrix->stride;
        const std::uint64_t step = across ? matrix->stride : bytes;
        program_->leaves.push_back(matrix ? Leaf{offset + row * step, 0, 0, bytes}
                                          : Leaf{offset, column, row, bytes});
      }
      return;
    }
    case TypeKind::kMatrix: {
      const std::uint64_t bytes = scalar(id).width / 8;
      for (std::uint32_t i = 0; i < t.count; ++i) {
        const std::uint64_t step = !matrix ? 0 : matrix->row_major ? bytes : matrix->stride;
        visit_leaves(t.element, offset + i * step, i, matrix);
      }
      return;
    }
    case TypeKind::kArray:
      slots(id);  // refuses what is too large
      for (std::uint32_t i = 0; i < t.count && !failed(); ++i)
        visit_leaves(t.element, offset + std::uint64_t{i} * t.stride, 0, matrix);
      return;
    case TypeKind::kStruct:
      for (const auto& member : t.members) {
        const spirv::MatrixLayout layout{member.matrix_stride, member.row_major};
        const bool holds_matrix = member.matrix_stride != 0;
        const spirv::MatrixLayout plain{};
        visit_leaves(member.type, offset + member.offset, 0, holds_matrix ? &layout : &plain);
      }
      return;
    default:
      deny(SOKR_CAPABILITY_DENIED,
           fmt::format("the reference interpreter cannot load or store {} ({}) in a buffer",
                       module_->describe(id), spirv::op_name(t.op)));
  }
}

}  // namespace sokr::reference
