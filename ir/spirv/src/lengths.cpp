// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What depends on the lengths of arrays, and on the sizes of matrices, that specialization
// constants decide. Without values these are open, and whoever judges the module does not look at
// counts and places of their elements; here the values are known, and readers of the module rely on
// what fits them.
#include "decoder.hpp"
#include "typing.hpp"

namespace sokr::spirv {
namespace {

bool is_sized_array(const Type* type) {
  return type != nullptr && type->kind == TypeKind::kArray && type->spec_length;
}

}  // namespace

Failure Decoder::misfit(const RawInstruction& raw, const Type& array,
                        std::string_view sentence) const {
  const Id length = args(raws_[definition_[array.id] - 1])[1];
  Failure failure = bad(raw, "{}{}", sentence, decided_by(length));
  failure.code = SOKR_INVALID_INPUT;
  return failure;
}

Result<void> Decoder::check_lengths() const {
  if (options_.any_values || !(has_spec_lengths_ || has_spec_matrices_)) return {};
  for (std::size_t i = first_function_; i < raws_.size(); ++i) {
    const RawInstruction& raw = raws_[i];
    const auto operands = args(raw);
    if (has_spec_matrices_ && !raw.is_passive) SOKR_TRY(check_matrices(raw));
    switch (raw.op) {
      case spv::Op::OpCompositeConstruct: {
        const Type* type = module_->type(result_type(raw));
        count_work();
        if (is_sized_array(type) && operands.size() != type->count) {
          return misfit(raw, *type,
                        fmt::format("it has {} constituents, its type %{} has {} elements",
                                    operands.size(), type->id, type->count));
        }
        break;
      }
      case spv::Op::OpCompositeExtract:
        SOKR_TRY(check_parts(raw, module_->type_of(operands[0]), 1));
        break;
      case spv::Op::OpCompositeInsert:
        SOKR_TRY(check_parts(raw, module_->type_of(operands[1]), 2));
        break;
      case spv::Op::OpCopyLogical:
        SOKR_TRY(check_alike(raw, result_type(raw), module_->type_of(operands[0])));
        break;
      default:
        break;
    }
  }
  return {};
}

Result<void> Decoder::check_matrices(const RawInstruction& raw) const {
  count_work();
  if (suits_cooperative(*module_, instruction(raw)).value_or(true)) return {};
  std::string sources;
  const auto look = [&](Id id) {
    const Type* type = module_->type(id);
    if (type == nullptr || type->kind != TypeKind::kCooperativeMatrix) return;
    for (const Id number : args(raws_[definition_[id] - 1]).subspan(1))
      if (sources.empty()) sources = decided_by(number);
  };
  look(result_type(raw));
  for (const Id id : args(raw)) look(module_->type_of(id));
  Failure failure =
      bad(raw, "its operands do not have types that it works on and gives{}", sources);
  failure.code = SOKR_INVALID_INPUT;
  return failure;
}

// Down the literals from args[first] on. What does not suit its type otherwise is left to those
// who judge the module.
Result<void> Decoder::check_parts(const RawInstruction& raw, Id composite,
                                  std::size_t first) const {
  const Type* type = module_->type(composite);
  for (const std::uint32_t index : args(raw).subspan(first)) {
    count_work();
    if (type == nullptr) return {};
    if (is_sized_array(type) && index >= type->count) {
      return misfit(raw, *type,
                    fmt::format("index {} is outside of the {} elements of its type %{}", index,
                                type->count, type->id));
    }
    if (type->kind == TypeKind::kStruct) {
      type = index < type->members.size() ? module_->type(type->members[index].type) : nullptr;
    } else {
      type = module_->type(type->element);
    }
  }
  return {};
}

// Types that differ in their layout only; limits::kTypeParts bounds the walk.
Result<void> Decoder::check_alike(const RawInstruction& raw, Id a, Id b) const {
  count_work();
  const Type *x = module_->type(a), *y = module_->type(b);
  if (a == b || x == nullptr || y == nullptr || x->kind != y->kind) return {};
  if (x->kind == TypeKind::kArray) {
    if (x->count != y->count && (x->spec_length || y->spec_length)) {
      return misfit(raw, x->spec_length ? *x : *y,
                    fmt::format("%{} has {} elements and %{} has {}", a, x->count, b, y->count));
    }
    return check_alike(raw, x->element, y->element);
  }
  if (x->kind != TypeKind::kStruct || x->members.size() != y->members.size()) return {};
  for (std::size_t k = 0; k < x->members.size(); ++k)
    SOKR_TRY(check_alike(raw, x->members[k].type, y->members[k].type));
  return {};
}

}  // namespace sokr::spirv
