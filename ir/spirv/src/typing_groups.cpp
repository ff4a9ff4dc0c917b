// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Rules of the instructions that invocations of a subgroup run together, of dot products of
// integers, and of extended instructions.
#include <spirv/unified1/GLSL.std.450.h>

#include <algorithm>

#include "typing.hpp"

namespace sokr::spirv {
namespace {

using enum spv::Op;

bool is_plain(const Shape& shape) {
  return shape.kind == TypeKind::kBool || shape.kind == TypeKind::kInt ||
         shape.kind == TypeKind::kFloat;
}

bool is_int(const Shape& shape) {
  return shape.kind == TypeKind::kInt && shape.count == 1;
}

constexpr Shape kBool{TypeKind::kBool, 1, 1};
constexpr Shape kMask{TypeKind::kInt, 32, 4};

// `first`: the place of the first operand behind a scope.
std::optional<bool> suits_votes(const Module& m, const Instruction& i, std::size_t first) {
  const Shape r = shape_of(m, i.type);
  const auto at = [&](std::size_t k) {
    return first + k < i.args.size() ? shape_of(m, m.type_of(i.args[first + k])) : Shape{};
  };
  switch (i.op) {
    case OpGroupNonUniformElect:
      return r == kBool;
    case OpGroupNonUniformAll:
    case OpGroupNonUniformAny:
    case OpSubgroupAllKHR:
    case OpSubgroupAnyKHR:
      return r == kBool && at(0) == kBool;
    case OpGroupNonUniformAllEqual:
    case OpSubgroupAllEqualKHR:
      return r == kBool && is_plain(at(0));
    case OpGroupNonUniformBallot:
    case OpSubgroupBallotKHR:
      return r == kMask && at(0) == kBool;
    case OpGroupNonUniformInverseBallot:
      return r == kBool && at(0) == kMask;
    case OpGroupNonUniformBallotBitExtract:
      return r == kBool && at(0) == kMask && is_int(at(1));
    case OpGroupNonUniformBallotBitCount:
      return is_int(r) && at(1) == kMask;
    case OpGroupNonUniformBallotFindLSB:
    case OpGroupNonUniformBallotFindMSB:
      return is_int(r) && at(0) == kMask;
    default:
      return std::nullopt;
  }
}

bool suits_move(const Module& m, const Instruction& i, std::size_t first) {
  if (i.args.size() <= first || m.type_of(i.args[first]) != i.type) return false;
  return is_plain(shape_of(m, i.type)) &&
         std::all_of(i.args.begin() + static_cast<std::ptrdiff_t>(first) + 1, i.args.end(),
                     [&](Id id) { return is_int(shape_of(m, m.type_of(id))); });
}

bool suits_reduction(const Module& m, const Instruction& i) {
  const Shape r = shape_of(m, i.type);
  if (i.args.size() < 3 || m.type_of(i.args[2]) != i.type) return false;
  if (i.args.size() > 3 && !is_int(shape_of(m, m.type_of(i.args[3])))) return false;
  switch (i.op) {
    case OpGroupNonUniformFAdd:
    case OpGroupNonUniformFMul:
    case OpGroupNonUniformFMin:
    case OpGroupNonUniformFMax:
      return r.kind == TypeKind::kFloat;
    case OpGroupNonUniformLogicalAnd:
    case OpGroupNonUniformLogicalOr:
    case OpGroupNonUniformLogicalXor:
      return r.kind == TypeKind::kBool;
    default:
      return r.kind == TypeKind::kInt;
  }
}

// Two vectors of integers, or two packed ones with a format.
bool suits_dot(const Module& m, const Instruction& i, bool accumulates) {
  const std::size_t values = accumulates ? 3 : 2;
  if (i.args.size() < values) return false;
  const Shape a = shape_of(m, m.type_of(i.args[0])), b = shape_of(m, m.type_of(i.args[1]));
  const bool is_packed = i.args.size() > values;
  return a.kind == TypeKind::kInt && a == b && is_int(shape_of(m, i.type)) &&
         (is_packed ? a.count == 1 && a.width == 32 : a.count > 1) &&
         (!accumulates || m.type_of(i.args[2]) == i.type);
}

}  // namespace

std::optional<bool> suits_group(const Module& m, const Instruction& i) {
  const bool has_scope = i.op >= OpGroupNonUniformElect && i.op <= OpGroupNonUniformQuadSwap;
  if (const auto vote = suits_votes(m, i, has_scope ? 1 : 0)) return vote;
  if (i.op >= OpGroupNonUniformIAdd && i.op <= OpGroupNonUniformLogicalXor)
    return suits_reduction(m, i);
  if (has_scope || i.op == OpGroupNonUniformRotateKHR) return suits_move(m, i, 1);
  switch (i.op) {
    case OpSubgroupFirstInvocationKHR:
    case OpSubgroupReadInvocationKHR:
      return suits_move(m, i, 0);
    case OpSDotKHR:
    case OpUDotKHR:
    case OpSUDotKHR:
      return suits_dot(m, i, false);
    case OpSDotAccSatKHR:
    case OpUDotAccSatKHR:
    case OpSUDotAccSatKHR:
      return suits_dot(m, i, true);
    default:
      return std::nullopt;
  }
}

namespace {

class GlslRule {
 public:
  GlslRule(const Module& module, const Instruction& instruction)
      : m_(module), i_(instruction), r_(shape_of(module, instruction.type)) {}

  bool run() const {
    const std::uint32_t function = i_.args[1];
    switch (function) {
      case GLSLstd450SAbs:
      case GLSLstd450SSign:
      case GLSLstd450FindILsb:
      case GLSLstd450FindSMsb:
      case GLSLstd450FindUMsb:
        return alike(TypeKind::kInt, 1);
      case GLSLstd450UMin:
      case GLSLstd450SMin:
      case GLSLstd450UMax:
      case GLSLstd450SMax:
        return alike(TypeKind::kInt, 2);
      case GLSLstd450UClamp:
      case GLSLstd450SClamp:
        return alike(TypeKind::kInt, 3);
      case GLSLstd450Pow:
      case GLSLstd450Atan2:
      case GLSLstd450FMin:
      case GLSLstd450FMax:
      case GLSLstd450NMin:
      case GLSLstd450NMax:
      case GLSLstd450Step:
      case GLSLstd450Reflect:
        return alike(TypeKind::kFloat, 2);
      case GLSLstd450FClamp:
      case GLSLstd450NClamp:
      case GLSLstd450FMix:
      case GLSLstd450SmoothStep:
      case GLSLstd450Fma:
      case GLSLstd450FaceForward:
        return alike(TypeKind::kFloat, 3);
      case GLSLstd450Cross:
        return r_.count == 3 && alike(TypeKind::kFloat, 2);
      case GLSLstd450Length:
        return values() == 1 && is_measure();
      case GLSLstd450Distance:
        return values() == 2 && is_measure() && at(0) == at(1);
      case GLSLstd450Refract:
        return values() == 3 && r_.kind == TypeKind::kFloat && at(0) == r_ && at(1) == r_ &&
               at(2).kind == TypeKind::kFloat && at(2).count == 1;
      case GLSLstd450Ldexp:
        return values() == 2 && r_.kind == TypeKind::kFloat && at(0) == r_ &&
               at(1).kind == TypeKind::kInt && at(1).count == r_.count;
      case GLSLstd450Modf:
      case GLSLstd450Frexp:
        return stores_part(function == GLSLstd450Frexp);
      case GLSLstd450ModfStruct:
      case GLSLstd450FrexpStruct:
        return makes_parts(function == GLSLstd450FrexpStruct);
      case GLSLstd450Determinant:
      case GLSLstd450MatrixInverse:
        return suits_square(function == GLSLstd450Determinant);
      default:
        return function >= GLSLstd450PackSnorm4x8 && function <= GLSLstd450UnpackDouble2x32
                   ? suits_packing(function)
                   : alike(TypeKind::kFloat, 1);
    }
  }

 private:
  std::size_t values() const { return i_.args.size() - 2; }
  Shape at(std::size_t k) const {
    return k < values() ? shape_of(m_, m_.type_of(i_.args[2 + k])) : Shape{};
  }

  // `count` operands of this kind, with the result's width and components.
  bool alike(TypeKind kind, std::size_t count) const {
    if (r_.kind != kind || values() != count) return false;
    for (std::size_t k = 0; k < count; ++k)
      if (at(k) != r_) return false;
    return true;
  }

  bool is_measure() const {
    return r_.kind == TypeKind::kFloat && r_.count == 1 && at(0).kind == TypeKind::kFloat &&
           at(0).width == r_.width;
  }

  bool is_part(Id type, bool exponent) const {
    const Shape s = shape_of(m_, type);
    return exponent ? s.kind == TypeKind::kInt && s.count == at(0).count && s.width == 32
                    : s == at(0);
  }

  bool stores_part(bool exponent) const {
    const Type* pointer = values() == 2 ? m_.type(m_.type_of(i_.args[3])) : nullptr;
    return r_.kind == TypeKind::kFloat && at(0) == r_ && pointer != nullptr &&
           pointer->kind == TypeKind::kPointer && is_part(pointer->element, exponent);
  }

  bool makes_parts(bool exponent) const {
    const Type& type = *m_.type(i_.type);
    return values() == 1 && at(0).kind == TypeKind::kFloat && type.kind == TypeKind::kStruct &&
           type.members.size() == 2 && shape_of(m_, type.members[0].type) == at(0) &&
           is_part(type.members[1].type, exponent);
  }

  bool suits_square(bool determinant) const {
    const Type* matrix = values() == 1 ? m_.type(m_.type_of(i_.args[2])) : nullptr;
    if (matrix == nullptr || matrix->kind != TypeKind::kMatrix) return false;
    const Shape column = shape_of(m_, matrix->element);
    if (column.kind != TypeKind::kFloat || column.count != matrix->count) return false;
    return determinant ? r_ == Shape{TypeKind::kFloat, column.width, 1} : i_.type == matrix->id;
  }

  bool suits_packing(std::uint32_t function) const {
    const Shape word{TypeKind::kInt, 32, 1}, two{TypeKind::kFloat, 32, 2};
    const Shape four{TypeKind::kFloat, 32, 4}, wide{TypeKind::kFloat, 64, 1};
    const Shape words{TypeKind::kInt, 32, 2};
    if (values() != 1) return false;
    switch (function) {
      case GLSLstd450PackSnorm4x8:
      case GLSLstd450PackUnorm4x8:
        return r_ == word && at(0) == four;
      case GLSLstd450PackSnorm2x16:
      case GLSLstd450PackUnorm2x16:
      case GLSLstd450PackHalf2x16:
        return r_ == word && at(0) == two;
      case GLSLstd450PackDouble2x32:
        return r_ == wide && at(0) == words;
      case GLSLstd450UnpackSnorm4x8:
      case GLSLstd450UnpackUnorm4x8:
        return r_ == four && at(0) == word;
      case GLSLstd450UnpackDouble2x32:
        return r_ == words && at(0) == wide;
      default:
        return r_ == two && at(0) == word;
    }
  }

  const Module& m_;
  const Instruction& i_;
  const Shape r_;
};

}  // namespace

bool suits_glsl_std_450(const Module& module, const Instruction& instruction) {
  return instruction.args.size() >= 2 && GlslRule(module, instruction).run();
}

}  // namespace sokr::spirv
