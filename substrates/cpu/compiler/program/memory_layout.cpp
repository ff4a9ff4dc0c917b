// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/program/memory_layout.hpp"

#include <algorithm>

namespace sokr::cpu {

using spirv::TypeKind;

std::uint32_t scalar_size(const spirv::Module& module, spirv::Id type) {
  const spirv::Type* t = module.type(type);
  if (!t) return 4;
  if (t->kind == TypeKind::kBool) return 4;
  if (t->kind == TypeKind::kPointer) return 8;
  return std::max(1u, t->width / 8);
}

namespace {

// Of the largest scalar.
std::uint64_t natural_alignment(const spirv::Module& module, spirv::Id type) {
  const spirv::Type* t = module.type(type);
  if (!t) return 1;
  switch (t->kind) {
    case TypeKind::kVector:
    case TypeKind::kMatrix:
    case TypeKind::kArray:
    case TypeKind::kRuntimeArray:
      return natural_alignment(module, t->element);
    case TypeKind::kStruct: {
      std::uint64_t most = 1;
      for (const auto& member : t->members)
        most = std::max(most, natural_alignment(module, member.type));
      return most;
    }
    default:
      return scalar_size(module, type);
  }
}

std::uint64_t rounded_up(std::uint64_t size, std::uint64_t to) {
  return (size + to - 1) / to * to;
}

// Where the first `count` members end.
std::uint64_t natural_end(const spirv::Module& module, const spirv::Type& structure,
                          std::size_t count) {
  std::uint64_t at = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const spirv::Id type = structure.members[i].type;
    at = rounded_up(at, natural_alignment(module, type)) + placed_size(module, {type, {}, 0, true});
  }
  return at;
}

}  // namespace

std::uint64_t placed_stride(const spirv::Module& module, const Placed& placed) {
  const spirv::Type* t = module.type(placed.type);
  if (!t) return 0;
  switch (t->kind) {
    case TypeKind::kVector:
      return placed.component_stride ? placed.component_stride : scalar_size(module, t->element);
    case TypeKind::kMatrix: {
      const spirv::Type* column = module.type(t->element);
      std::uint32_t size = scalar_size(module, column->element);
      if (placed.matrix.row_major) return size;
      return placed.matrix.stride ? placed.matrix.stride : std::uint64_t{size} * column->count;
    }
    case TypeKind::kArray:
    case TypeKind::kRuntimeArray:
      return t->stride && !placed.natural
                 ? t->stride
                 : placed_size(module, {t->element, placed.matrix, 0, placed.natural});
    default:
      return 0;
  }
}

Placed placed_part(const spirv::Module& module, const Placed& placed, std::uint32_t index,
                   std::uint64_t* offset) {
  const spirv::Type* t = module.type(placed.type);
  *offset = 0;
  if (!t) return {};
  if (t->kind == TypeKind::kStruct) {
    if (index >= t->members.size()) return {};
    const spirv::Member& member = t->members[index];
    if (placed.natural || !member.has_offset) {
      *offset = rounded_up(natural_end(module, *t, index), natural_alignment(module, member.type));
      return {member.type, {}, 0, true};
    }
    *offset = member.offset;
    return {member.type, {member.matrix_stride, member.row_major}, 0, false};
  }
  *offset = index * placed_stride(module, placed);
  if (t->kind == TypeKind::kMatrix) {
    std::uint32_t stride = 0;
    if (placed.matrix.row_major) {
      const spirv::Type* column = module.type(t->element);
      stride = placed.matrix.stride ? placed.matrix.stride
                                    : scalar_size(module, column->element) * t->count;
    }
    return {t->element, {}, stride, placed.natural};
  }
  return {t->element, placed.matrix, 0, placed.natural};
}

std::uint64_t placed_size(const spirv::Module& module, const Placed& placed) {
  const spirv::Type* t = module.type(placed.type);
  if (!t) return 0;
  switch (t->kind) {
    case TypeKind::kVector:
      return placed_stride(module, placed) * (t->count - 1) + scalar_size(module, t->element);
    case TypeKind::kMatrix: {
      const spirv::Type* column = module.type(t->element);
      std::uint64_t size = scalar_size(module, column->element);
      std::uint64_t rows = placed.matrix.row_major ? column->count : t->count;
      std::uint64_t columns = placed.matrix.row_major ? t->count : column->count;
      std::uint64_t stride = placed.matrix.stride ? placed.matrix.stride : size * columns;
      return stride * rows;
    }
    case TypeKind::kArray:
      return placed_stride(module, placed) * t->count;
    case TypeKind::kRuntimeArray:
      return 0;
    case TypeKind::kStruct: {
      if (placed.natural)
        return rounded_up(natural_end(module, *t, t->members.size()),
                          natural_alignment(module, placed.type));
      std::uint64_t end = 0;
      for (std::uint32_t i = 0; i < t->members.size(); ++i) {
        std::uint64_t offset = 0;
        Placed part = placed_part(module, placed, i, &offset);
        end = std::max(end, offset + placed_size(module, part));
      }
      return end;
    }
    default:
      return scalar_size(module, placed.type);
  }
}

void placed_leaves(const spirv::Module& module, const Placed& placed, std::uint64_t offset,
                   std::vector<PlacedLeaf>& out) {
  const spirv::Type* t = module.type(placed.type);
  if (!t) return;
  bool composite = t->kind == TypeKind::kVector || t->kind == TypeKind::kMatrix ||
                   t->kind == TypeKind::kArray || t->kind == TypeKind::kStruct;
  if (!composite) {
    out.push_back({offset, placed.type});
    return;
  }
  auto count =
      t->kind == TypeKind::kStruct ? static_cast<std::uint32_t>(t->members.size()) : t->count;
  for (std::uint32_t i = 0; i < count; ++i) {
    std::uint64_t at = 0;
    Placed part = placed_part(module, placed, i, &at);
    placed_leaves(module, part, offset + at, out);
  }
}

Extent extent_of(const spirv::Module& module, const std::vector<PlacedLeaf>& leaves) {
  Extent e{INT64_MAX, 0};
  for (const auto& leaf : leaves) {
    auto at = static_cast<std::int64_t>(leaf.offset);
    e.low = std::min(e.low, at);
    e.high = std::max(e.high, at + scalar_size(module, leaf.type));
  }
  if (leaves.empty()) e.low = 0;
  return e;
}

}  // namespace sokr::cpu
