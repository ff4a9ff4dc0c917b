// SPDX-License-Identifier: MIT OR Apache-2.0
#include "block_scalars.hpp"

#include <algorithm>
#include <map>

namespace sokr::spirv {
namespace {

// The scalar types below each type that was asked for. Each type is looked at once.
class ScalarTypes {
 public:
  explicit ScalarTypes(const Module& module) : module_(module) {}

  std::uint32_t of(Id id) {
    if (const auto known = known_.find(id); known != known_.end()) return known->second;
    const std::uint32_t found = look(id);
    return known_[id] = found;
  }

 private:
  std::uint32_t look(Id id) {
    const Type* type = module_.type(id);
    if (type == nullptr) return 0;
    switch (type->kind) {
      case TypeKind::kBool:
      case TypeKind::kInt:
      case TypeKind::kFloat:
        return 1u << scalar_of(*type);
      case TypeKind::kPointer:
        return 1u << SOKR_IR_U64;
      case TypeKind::kVector:
      case TypeKind::kMatrix:
      case TypeKind::kArray:
      case TypeKind::kRuntimeArray:
        return of(type->element);
      case TypeKind::kStruct: {
        std::uint32_t found = 0;
        for (const Member& member : type->members) found |= of(member.type);
        return found;
      }
      default:
        return 0;
    }
  }

  const Module& module_;
  std::map<Id, std::uint32_t> known_;
};

// A step that goes down finds a scalar, one beyond what an offset can say, or nothing, as in a
// struct without members: of these a module may have any number, so steps are counted.
class Placer {
 public:
  Placer(const Module& module, std::vector<SokrIrPushScalar>& out) : module_(module), out_(out) {}

  void place(Id id, std::uint64_t at, MatrixLayout matrix) {
    const Type* type = module_.type(id);
    if (is_full() || type == nullptr) return;
    ++steps_;
    if (types_.of(id) == 0) return;
    switch (type->kind) {
      case TypeKind::kVector:
        return repeat(*type, at, width_of(type->element), matrix);
      case TypeKind::kArray:
        return repeat(*type, at, type->stride, matrix);
      case TypeKind::kMatrix:
        return place_matrix(*type, at, matrix);
      case TypeKind::kStruct:
        for (const Member& member : type->members) {
          place(member.type, at + member.offset, {member.matrix_stride, member.row_major});
        }
        return;
      case TypeKind::kRuntimeArray:
        return;  // the block ends before it
      default:
        add(at, type->kind == TypeKind::kPointer ? SOKR_IR_U64 : scalar_of(*type));
    }
  }

 private:
  static constexpr std::size_t kMostSteps = 16 * ir::kMaxPushScalars;
  bool is_full() const { return out_.size() >= ir::kMaxPushScalars || steps_ >= kMostSteps; }

  std::uint32_t width_of(Id id) const {
    const Type* type = module_.type(id);
    return type->kind == TypeKind::kPointer ? 8 : type->width / 8;
  }

  void add(std::uint64_t at, SokrIrScalar type) {
    if (at <= UINT32_MAX && !is_full()) out_.push_back({static_cast<std::uint32_t>(at), type});
  }

  void repeat(const Type& type, std::uint64_t at, std::uint64_t stride, MatrixLayout matrix) {
    for (std::uint32_t i = 0; i < type.count && !is_full(); ++i) {
      place(type.element, at + i * stride, matrix);
    }
  }

  void place_matrix(const Type& type, std::uint64_t at, MatrixLayout layout) {
    const Type& column = *module_.type(type.element);
    const std::uint64_t width = width_of(column.element);
    for (std::uint32_t c = 0; c < type.count && !is_full(); ++c) {
      for (std::uint32_t r = 0; r < column.count && !is_full(); ++r) {
        const std::uint64_t offset = layout.row_major
                                         ? r * std::uint64_t{layout.stride} + c * width
                                         : c * std::uint64_t{layout.stride} + r * width;
        place(column.element, at + offset, layout);
      }
    }
  }

  const Module& module_;
  std::vector<SokrIrPushScalar>& out_;
  std::size_t steps_ = 0;
  ScalarTypes types_{module_};
};

}  // namespace

SokrIrScalar scalar_of(const Type& type) {
  const auto by_width = [&](SokrIrScalar w8, SokrIrScalar w16, SokrIrScalar w32, SokrIrScalar w64) {
    return type.width == 8 ? w8 : type.width == 16 ? w16 : type.width == 64 ? w64 : w32;
  };
  if (type.kind == TypeKind::kFloat) {
    return by_width(SOKR_IR_F16, SOKR_IR_F16, SOKR_IR_F32, SOKR_IR_F64);
  }
  if (type.kind != TypeKind::kInt) return SOKR_IR_BOOL;
  return type.is_signed ? by_width(SOKR_IR_I8, SOKR_IR_I16, SOKR_IR_I32, SOKR_IR_I64)
                        : by_width(SOKR_IR_U8, SOKR_IR_U16, SOKR_IR_U32, SOKR_IR_U64);
}

std::uint32_t scalars_in(const Module& module, Id type) {
  return ScalarTypes(module).of(type);
}

void add_push_scalars(const Module& module, Id block, std::vector<SokrIrPushScalar>& scalars) {
  Placer(module, scalars).place(block, 0, {});
  std::stable_sort(scalars.begin(), scalars.end(),
                   [](const auto& a, const auto& b) { return a.offset < b.offset; });
}

}  // namespace sokr::spirv
