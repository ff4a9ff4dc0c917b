// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>
#include <sokr/spirv/module.hpp>

#include "decoder.hpp"

namespace sokr::spirv {
namespace {

constexpr std::uint32_t kPointerBytes = 8;

std::uint64_t align_up(std::uint64_t value, std::uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

// Far above what decode() accepts, far below what could overflow a sum of two.
constexpr std::uint64_t kHuge = std::uint64_t{1} << 62;

std::uint64_t multiply(std::uint64_t a, std::uint64_t b) {
  std::uint64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? kHuge : std::min(product, kHuge);
}

}  // namespace

std::uint64_t Module::explicit_size(Id id, MatrixLayout matrix) const {
  std::uint64_t elements = 1;
  const Type* t = type(id);
  // Strides multiply along a chain of arrays; the outermost stride decides the size.
  while (t != nullptr && (t->kind == TypeKind::kArray || t->kind == TypeKind::kRuntimeArray)) {
    if (t->kind == TypeKind::kRuntimeArray) return 0;
    elements = multiply(elements, t->count);
    if (t->stride != 0) return multiply(elements, t->stride);
    t = type(t->element);
  }
  if (t == nullptr) return 0;
  if (t->kind == TypeKind::kMatrix && matrix.stride != 0) {
    const Type* column = type(t->element);
    const std::uint32_t vectors = matrix.row_major && column != nullptr ? column->count : t->count;
    return multiply(elements, std::uint64_t{matrix.stride} * vectors);
  }
  return multiply(elements, sizes_[slots_[t->id] & kSlotMask]);
}

std::uint64_t Module::data_size(Id id, MatrixLayout matrix) const {
  std::uint64_t before = 0;  // of all elements but the last
  const Type* t = type(id);
  for (; t != nullptr && t->kind == TypeKind::kArray; t = type(t->element)) {
    const std::uint64_t stride =
        t->stride != 0 ? std::uint64_t{t->stride} : explicit_size(t->element, matrix);
    before = std::min(before + multiply(stride, t->count - 1), kHuge);
  }
  if (t == nullptr || t->kind == TypeKind::kRuntimeArray) return 0;
  if (t->kind != TypeKind::kMatrix || matrix.stride == 0) {
    return before + data_sizes_[slots_[t->id] & kSlotMask];
  }
  const Type* column = type(t->element);
  const std::uint64_t scalar = explicit_size(column->element);
  const std::uint32_t vectors = matrix.row_major ? column->count : t->count;
  const std::uint32_t components = matrix.row_major ? t->count : column->count;
  return before + std::uint64_t{matrix.stride} * (vectors - 1) + scalar * components;
}

std::uint32_t Module::runtime_array_stride(Id block_struct) const {
  const Type* block = type(block_struct);
  if (block == nullptr || block->members.empty()) return 0;
  const Type* last = type(block->members.back().type);
  return last != nullptr && last->kind == TypeKind::kRuntimeArray ? last->stride : 0;
}

std::uint32_t Module::component_count(Id id) const {
  const Type* t = type(id);
  if (t == nullptr) return 0;
  switch (t->kind) {
    case TypeKind::kBool:
    case TypeKind::kInt:
    case TypeKind::kFloat:
      return 1;
    case TypeKind::kVector:
      return t->count;
    case TypeKind::kMatrix:
      return t->count * component_count(t->element);
    default:
      return 0;
  }
}

namespace {

const Type* pointed_at(const Module& module, const Variable& variable) {
  const Type* type = module.type(variable.pointee);
  while (type && (type->kind == TypeKind::kArray || type->kind == TypeKind::kRuntimeArray))
    type = module.type(type->element);
  return type;
}

bool all_members(const Type* type, bool Member::* flag) {
  return type && type->kind == TypeKind::kStruct && !type->members.empty() &&
         std::all_of(type->members.begin(), type->members.end(),
                     [&](const Member& member) { return member.*flag; });
}

}  // namespace

bool Module::is_read_only(const Variable& variable) const {
  return variable.non_writable || all_members(pointed_at(*this, variable), &Member::non_writable);
}

bool Module::is_write_only(const Variable& variable) const {
  return variable.non_readable || all_members(pointed_at(*this, variable), &Member::non_readable);
}

bool Module::is_shared_live(const Variable& variable) const {
  if (variable.coherent || variable.is_volatile) return true;
  const Type* type = pointed_at(*this, variable);
  return type && std::any_of(type->members.begin(), type->members.end(), [](const Member& member) {
           return member.coherent || member.is_volatile;
         });
}

const Type& Module::scalar_type(Id id) const {
  static const Type kNoType;
  const Type* t = type(id);
  while (t != nullptr && (t->kind == TypeKind::kVector || t->kind == TypeKind::kMatrix ||
                          t->kind == TypeKind::kArray || t->kind == TypeKind::kRuntimeArray ||
                          t->kind == TypeKind::kCooperativeMatrix)) {
    t = type(t->element);
  }
  return t != nullptr ? *t : kNoType;
}

NaturalLayout Module::natural_layout(Id id) const {
  const Type* t = type(id);
  return t == nullptr ? NaturalLayout{} : naturals_[slots_[id] & kSlotMask];
}

NaturalLayout Module::compute_natural_layout(const Type& t) const {
  switch (t.kind) {
    case TypeKind::kBool:
      return {4, 4};
    case TypeKind::kInt:
    case TypeKind::kFloat:
      return {t.width / 8, std::max(t.width / 8, 1u)};
    case TypeKind::kPointer:
      return {kPointerBytes, kPointerBytes};
    case TypeKind::kVector: {
      const NaturalLayout part = natural_layout(t.element);
      const std::uint32_t slots = t.count == 3 ? 4 : t.count;
      return {part.size * t.count, part.alignment * slots};
    }
    case TypeKind::kMatrix:
    case TypeKind::kArray: {
      const NaturalLayout part = natural_layout(t.element);
      return {align_up(part.size, part.alignment) * t.count, part.alignment};
    }
    case TypeKind::kRuntimeArray:
      return {0, natural_layout(t.element).alignment};
    case TypeKind::kStruct: {
      NaturalLayout layout;
      for (const Member& member : t.members) {
        const NaturalLayout part = natural_layout(member.type);
        layout.size = align_up(layout.size, part.alignment) + part.size;
        layout.alignment = std::max(layout.alignment, part.alignment);
      }
      layout.size = align_up(layout.size, layout.alignment);
      return layout;
    }
    default:
      return {};
  }
}

std::uint64_t Module::compute_data_size(const Type& t) const {
  if (t.kind != TypeKind::kStruct) return t.kind == TypeKind::kArray ? 0 : compute_explicit_size(t);
  std::uint64_t end = 0, last = 0;
  for (const Member& member : t.members) {
    const MatrixLayout layout{member.matrix_stride, member.row_major};
    const std::uint64_t begin = member.has_offset ? member.offset : end;
    end = std::max(end, begin + explicit_size(member.type, layout));
    if (const std::uint64_t size = data_size(member.type, layout); size != 0)
      last = std::max(last, begin + size);
  }
  return last;
}

std::uint64_t Module::compute_explicit_size(const Type& t) const {
  switch (t.kind) {
    case TypeKind::kBool:
      return 4;
    case TypeKind::kInt:
    case TypeKind::kFloat:
      return t.width / 8;
    case TypeKind::kPointer:
      return kPointerBytes;
    case TypeKind::kVector:
    case TypeKind::kMatrix:
      return explicit_size(t.element) * t.count;
    case TypeKind::kArray:
      return (t.stride != 0 ? std::uint64_t{t.stride} : explicit_size(t.element)) * t.count;
    case TypeKind::kStruct: {
      std::uint64_t end = 0;
      for (const Member& member : t.members) {
        const std::uint64_t begin = member.has_offset ? member.offset : end;
        end = std::max(
            end, begin + explicit_size(member.type, {member.matrix_stride, member.row_major}));
      }
      return end;
    }
    default:
      return 0;
  }
}

}  // namespace sokr::spirv
