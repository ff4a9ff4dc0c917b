// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Rules of cooperative matrices: what may be done with one, and with which others.
#include <algorithm>

#include "typing.hpp"

namespace sokr::spirv {
namespace {

using enum spv::Op;

class CooperativeRule {
 public:
  CooperativeRule(const Module& module, const Instruction& instruction)
      : m_(module), i_(instruction), r_(matrix(instruction.type)) {}

  std::optional<bool> run() const {
    if (i_.op == kCooperativeMatrixLoad) return r_ != nullptr && suits_memory(0, 1, 2);
    if (i_.op == kCooperativeMatrixStore) return operand(1) != nullptr && suits_memory(0, 2, 3);
    if (i_.op == kCooperativeMatrixMulAdd) return suits_product();
    if (i_.op == kCooperativeMatrixLength)
      return matrix(i_.args[0]) != nullptr && shape_of(m_, i_.type) == Shape{TypeKind::kInt, 32, 1};
    return r_ == nullptr ? std::nullopt : suits_result();
  }

 private:
  const Type* matrix(Id type) const {
    const Type* found = m_.type(type);
    return found != nullptr && found->kind == TypeKind::kCooperativeMatrix ? found : nullptr;
  }
  const Type* operand(std::size_t at) const {
    return at < i_.args.size() ? matrix(m_.type_of(i_.args[at])) : nullptr;
  }
  Shape shape(std::size_t at) const {
    return at < i_.args.size() ? shape_of(m_, m_.type_of(i_.args[at])) : Shape{};
  }
  bool is_number(std::size_t at) const {
    return shape(at).kind == TypeKind::kInt && shape(at).count == 1;
  }

  // A pointer to numbers or vectors of them, the layout, and the stride where there is one.
  bool suits_memory(std::size_t pointer, std::size_t layout, std::size_t stride) const {
    const Type* to = m_.type(m_.type_of(i_.args[pointer]));
    if (to == nullptr || to->kind != TypeKind::kPointer) return false;
    const TypeKind held = shape_of(m_, to->element).kind;
    return (held == TypeKind::kInt || held == TypeKind::kFloat) && is_number(layout) &&
           (stride >= i_.args.size() || is_number(stride));
  }

  // What the same invocations hold, as many rows by as many columns, for the same use.
  static bool is_alike(const Type& a, const Type& b) { return a.cooperative == b.cooperative; }

  static bool agree(const CooperativeMatrixInfo::Number& a,
                    const CooperativeMatrixInfo::Number& b) {
    return a.is_open || b.is_open || a.value == b.value;
  }

  bool suits_product() const {
    const Type *a = operand(0), *b = operand(1), *c = operand(2);
    if (r_ == nullptr || a == nullptr || b == nullptr || c == nullptr) return false;
    const CooperativeMatrixInfo &x = a->cooperative, &y = b->cooperative, &z = c->cooperative;
    const auto used_as = [](const CooperativeMatrixInfo& info, std::uint32_t use) {
      return info.use.is_open || info.use.value == use;
    };
    return used_as(x, 0) && used_as(y, 1) && used_as(z, 2) && is_alike(*r_, *c) &&
           agree(x.scope, y.scope) && agree(x.scope, z.scope) && agree(x.rows, z.rows) &&
           agree(x.columns, y.rows) && agree(y.columns, z.columns);
  }

  // A result that is a matrix; what moves values of any type has its rules elsewhere.
  std::optional<bool> suits_result() const {
    const Type& component = *m_.type(r_->element);
    const auto same = [&](std::size_t at) {
      return at < i_.args.size() && m_.type_of(i_.args[at]) == i_.type;
    };
    const bool is_float = component.kind == TypeKind::kFloat;
    switch (i_.op) {
      case OpFNegate:
        return is_float && same(0);
      case OpSNegate:
        return !is_float && same(0);
      case OpFAdd:
      case OpFSub:
      case OpFMul:
      case OpFDiv:
        return is_float && same(0) && same(1);
      case OpIAdd:
      case OpISub:
      case OpIMul:
      case OpUDiv:
      case OpSDiv:
        return !is_float && same(0) && same(1);
      case OpMatrixTimesScalar:
        return same(0) && i_.args.size() > 1 && m_.type_of(i_.args[1]) == r_->element;
      case OpCompositeConstruct:
        return i_.args.size() == 1 && m_.type_of(i_.args[0]) == r_->element;
      case OpConvertFToU:
      case OpConvertFToS:
        return converts(TypeKind::kFloat, TypeKind::kInt);
      case OpConvertSToF:
      case OpConvertUToF:
        return converts(TypeKind::kInt, TypeKind::kFloat);
      case OpFConvert:
        return converts(TypeKind::kFloat, TypeKind::kFloat);
      case OpSConvert:
      case OpUConvert:
        return converts(TypeKind::kInt, TypeKind::kInt);
      case OpBitcast: {
        const Type* from = operand(0);
        return from != nullptr && is_alike(*from, *r_) &&
               m_.type(from->element)->width == component.width;
      }
      default:
        return std::nullopt;
    }
  }

  bool converts(TypeKind from, TypeKind to) const {
    const Type* given = operand(0);
    return given != nullptr && is_alike(*given, *r_) && m_.type(given->element)->kind == from &&
           m_.type(r_->element)->kind == to;
  }

  const Module& m_;
  const Instruction& i_;
  const Type* r_;
};

}  // namespace

std::optional<bool> suits_cooperative(const Module& module, const Instruction& instruction) {
  return CooperativeRule(module, instruction).run();
}

}  // namespace sokr::spirv
