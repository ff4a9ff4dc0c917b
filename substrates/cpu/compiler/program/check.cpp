// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What the code generator refuses, before it starts.
#include <algorithm>
#include <bit>
#include <sokr/cpu/compiler.hpp>
#include <sokr/cpu/limits.hpp>
#include <sokr/spirv/allowed.hpp>
#include <sokr/spirv/reflection.hpp>

#include "compiler/program/calls.hpp"
#include "compiler/program/float_modes.hpp"
#include "compiler/program/memory_layout.hpp"
#include "compiler/program/program.hpp"
#include "compiler/program/support.hpp"

namespace sokr::cpu {
namespace {

using spirv::Id;
using spirv::TypeKind;

class Checker {
 public:
  Checker(const spirv::Module& module, const spirv::EntryPoint& entry,
          const CompileOptions& options)
      : m_(module), e_(entry), o_(options) {}

  // `wholly`: what only lowering finds, too.
  Result<void> run(bool wholly) {
    SOKR_TRY(spirv::check_allowed(m_, e_));
    SOKR_TRY(check_float_modes(e_));
    SOKR_TRY(check_entry());
    SOKR_TRY(check_variables());
    for (const Id id : e_.functions) SOKR_TRY(check_function(id));
    return check_size(wholly);
  }

 private:
  Result<void> check_entry() {
    std::uint64_t total = 1;
    for (auto size : e_.local_size) total *= size;
    if (total == 0 || total > kMaxLocalInvocations)
      return fail(SOKR_CAPABILITY_DENIED,
                  "entry point {} has {} invocations in a workgroup, the limit is {}", e_.name,
                  total, kMaxLocalInvocations);
    std::uint32_t subgroup =
        e_.required_subgroup_size ? e_.required_subgroup_size : o_.subgroup_size;
    if (!std::has_single_bit(subgroup) || subgroup < kMinSubgroupSize ||
        subgroup > kMaxSubgroupSize)
      return fail(SOKR_CAPABILITY_DENIED, "subgroup size {} is not 4, 8, 16, 32 or 64", subgroup);
    if (e_.workgroup_bytes > kMaxWorkgroupBytes)
      return fail(SOKR_CAPABILITY_DENIED,
                  "entry point {} uses {} bytes of Workgroup memory, the limit is {}", e_.name,
                  e_.workgroup_bytes, kMaxWorkgroupBytes);
    for (auto capability : m_.capabilities())
      if (!supports(capability))
        return fail(SOKR_CAPABILITY_DENIED,
                    "needs capability {}, which this substrate does not have",
                    spirv::capability_name(capability));
    return {};
  }

  Result<void> check_variables() {
    auto reflection = spirv::reflect_entry(m_, e_);
    for (const auto& binding : reflection.bindings) {
      if (binding.kind != SOKR_IR_STORAGE_BUFFER && binding.kind != SOKR_IR_UNIFORM_BUFFER)
        return fail(SOKR_CAPABILITY_DENIED,
                    "binding {}.{} is an image or sampler, this substrate has only buffers",
                    binding.set, binding.binding);
    }
    for (Id id : e_.globals) {
      const spirv::Variable* variable = m_.variable(id);
      if (!variable) continue;
      has_large_ |=
          variable->storage == spv::StorageClass::Private && is_large(m_, variable->pointee);
      if (variable->storage == spv::StorageClass::Private &&
          placed_size(m_, {variable->pointee, {}, 0, true}) > kMaxPrivateBytes)
        return fail(SOKR_CAPABILITY_DENIED,
                    "variable {} takes more than {} bytes of private memory", m_.describe(id),
                    kMaxPrivateBytes);
    }
    return {};
  }

  Result<void> check_type(Id id, Id where) {
    const spirv::Type* type = m_.type(id);
    if (!type) return {};
    switch (type->kind) {
      case TypeKind::kInt:
        if (type->width != 8 && type->width != 16 && type->width != 32 && type->width != 64)
          return fail(SOKR_CAPABILITY_DENIED, "{} is an integer of {} bits", m_.describe(where),
                      type->width);
        return {};
      case TypeKind::kFloat:
        if (type->width != 16 && type->width != 32 && type->width != 64)
          return fail(SOKR_CAPABILITY_DENIED, "{} is a float of {} bits", m_.describe(where),
                      type->width);
        return {};
      case TypeKind::kVector:
      case TypeKind::kMatrix:
      case TypeKind::kArray:
        return check_type(type->element, where);
      case TypeKind::kStruct:
        for (const auto& member : type->members) SOKR_TRY(check_type(member.type, where));
        return {};
      case TypeKind::kImage:
      case TypeKind::kSampler:
      case TypeKind::kSampledImage:
      case TypeKind::kOther:
        return fail(SOKR_CAPABILITY_DENIED,
                    "{} has a type of images or extensions that this substrate does not have",
                    m_.describe(where));
      default:
        return {};
    }
  }

  // As `compile` will: whether calls and large values fit.
  Result<void> check_size(bool wholly) {
    SOKR_ASSIGN(const CallPlan plan, plan_calls(m_, e_));
    if (!has_large_ && !wholly) return {};
    SOKR_ASSIGN(Program kernel, lower(m_, e_, plan));
    SOKR_TRY(place_aggregates(kernel, o_.assume_no_alias));
    for (Id id : plan.order) {
      SOKR_ASSIGN(Program program, lower(m_, e_, plan, id));
      SOKR_TRY(place_aggregates(program, o_.assume_no_alias));
    }
    return {};
  }

  Result<void> check_function(Id id) {
    const spirv::Function* function = m_.function(id);
    if (!function) return fail(SOKR_INVALID_IR, "function {} does not exist", m_.describe(id));
    for (const auto& variable : function->variables) {
      const spirv::Type* pointer = m_.type(variable.type);
      if (!pointer) continue;
      SOKR_TRY(check_type(pointer->element, variable.id));
      has_large_ |= is_large(m_, pointer->element);
      if (placed_size(m_, {pointer->element, {}, 0, true}) > kMaxPrivateBytes)
        return fail(SOKR_CAPABILITY_DENIED,
                    "variable {} takes more than {} bytes of private memory",
                    m_.describe(variable.id), kMaxPrivateBytes);
    }
    for (const auto& block : function->blocks) {
      for (const auto& inst : block.body) SOKR_TRY(check_instruction(inst));
      if (!ends_a_block(block.terminator.op))
        return fail(SOKR_CAPABILITY_DENIED,
                    "{} ends a block of function {}, which compute kernels cannot use",
                    spirv::op_name(block.terminator.op), m_.describe(id));
    }
    return {};
  }

  Result<void> check_instruction(const spirv::Instruction& inst) {
    has_large_ |= inst.type && is_large(m_, inst.type);
    if (inst.op == spv::Op::OpStore || inst.op == spv::Op::OpCopyMemory)
      if (const spirv::Type* to = m_.type(m_.type_of(inst.args[0])))
        has_large_ |= is_large(m_, to->element);
    if (inst.op == spv::Op::OpFunctionCall || inst.op == spv::Op::OpNop ||
        inst.op == spv::Op::OpLine || inst.op == spv::Op::OpNoLine)
      return {};
    if (inst.op == spv::Op::OpExtInst) return check_extended(inst);
    if (handler_of(inst.op) == Handler::kUnknown || !spirv::instruction_row(inst.op))
      return fail(SOKR_CAPABILITY_DENIED,
                  "{} (word {}) is an instruction that this substrate does not have",
                  spirv::op_name(inst.op), inst.word);
    for (std::size_t i = 0; i < inst.args.size(); ++i)
      if (spirv::operand_kind(inst.op, i) == spirv::OperandKind::kUnknown)
        return fail(SOKR_CAPABILITY_DENIED,
                    "operand {} of {} (word {}) is of a kind that this substrate does not know", i,
                    spirv::op_name(inst.op), inst.word);
    if (inst.op == spv::Op::OpBitcast &&
        (is_logical_pointer(inst.type) || is_logical_pointer(m_.type_of(inst.args[0]))))
      return fail(SOKR_CAPABILITY_DENIED,
                  "OpBitcast (word {}) is applied to a logical pointer, which is no number",
                  inst.word);
    if (is_group_operation(inst.op)) SOKR_TRY(check_group(inst, inst.op, 1));
    if (const spv::Op scoped = with_scope(inst.op); scoped != spv::Op::OpNop)
      SOKR_TRY(check_group(inst, scoped, 0));
    if (handler_of(inst.op) == Handler::kPointerTest) SOKR_TRY(check_pointers(inst));
    // Whoever uses an undefined image has a type or an instruction that is refused.
    if (inst.type && !(inst.op == spv::Op::OpUndef && is_opaque(inst.type)))
      SOKR_TRY(check_type(inst.type, inst.id));
    return {};
  }

  bool is_opaque(Id type_id) const {
    const spirv::Type* type = m_.type(type_id);
    return type && (type->kind == TypeKind::kImage || type->kind == TypeKind::kSampler ||
                    type->kind == TypeKind::kSampledImage);
  }

  Result<void> check_pointers(const spirv::Instruction& inst) {
    for (std::size_t i = 0; i < 2; ++i) {
      const spirv::Type* type = m_.type(m_.type_of(inst.args[i]));
      if (!type || type->kind != TypeKind::kPointer || type->id != m_.type_of(inst.args[0]))
        return fail(SOKR_CAPABILITY_DENIED, "{} (word {}) is not applied to two pointers of a type",
                    spirv::op_name(inst.op), inst.word);
      if (type->storage == spv::StorageClass::Function ||
          type->storage == spv::StorageClass::Private || type->storage == spv::StorageClass::Input)
        return fail(SOKR_CAPABILITY_DENIED,
                    "{} (word {}) is applied to pointers of storage class {}, which are no values "
                    "here",
                    spirv::op_name(inst.op), inst.word, spirv::storage_class_name(type->storage));
    }
    return {};
  }

  // The validator does not compare the types of a subgroup operation. `op` is the instruction with
  // a scope that does the same, `first` the place of the first operand behind the scope.
  Result<void> check_group(const spirv::Instruction& inst, spv::Op op, std::size_t first) {
    const bool has_operation = is_arithmetic(op) || op == spv::Op::OpGroupNonUniformBallotBitCount;
    const std::size_t value = has_operation ? first + 1 : first;
    if (op == spv::Op::OpGroupNonUniformElect ||
        (inst.args.size() > value && suits(op, inst.type, m_.type_of(inst.args[value]))))
      return {};
    return fail(SOKR_CAPABILITY_DENIED,
                "the value of {} (word {}) is not of the type that it works on and gives",
                spirv::op_name(inst.op), inst.word);
  }

  static bool is_arithmetic(spv::Op op) {
    return op >= spv::Op::OpGroupNonUniformIAdd && op <= spv::Op::OpGroupNonUniformLogicalXor;
  }

  bool is_mask(Id type_id) const {
    const spirv::Type* type = m_.type(type_id);
    const spirv::Type& element = m_.scalar_type(type_id);
    return type && type->kind == TypeKind::kVector && type->count == 4 &&
           element.kind == TypeKind::kInt && element.width == 32;
  }

  bool suits(spv::Op op, Id result, Id type_id) const {
    const spirv::Type* type = m_.type(type_id);
    if (!type) return false;
    const spirv::Type* element = type->kind == TypeKind::kVector ? m_.type(type->element) : type;
    if (!element) return false;
    switch (op) {
      case spv::Op::OpGroupNonUniformAll:
      case spv::Op::OpGroupNonUniformAny:
        return type->kind == TypeKind::kBool;
      case spv::Op::OpGroupNonUniformBallot:
        return type->kind == TypeKind::kBool && is_mask(result);
      case spv::Op::OpGroupNonUniformInverseBallot:
      case spv::Op::OpGroupNonUniformBallotBitExtract:
      case spv::Op::OpGroupNonUniformBallotBitCount:
      case spv::Op::OpGroupNonUniformBallotFindLSB:
      case spv::Op::OpGroupNonUniformBallotFindMSB:
        return is_mask(type_id);
      case spv::Op::OpGroupNonUniformAllEqual:
        return is_plain(element->kind);
      default:
        break;
    }
    if (type_id != result) return false;
    return is_arithmetic(op) ? takes(op, element->kind) : is_plain(element->kind);
  }

  static bool is_plain(TypeKind kind) {
    return kind == TypeKind::kBool || kind == TypeKind::kInt || kind == TypeKind::kFloat;
  }

  static bool takes(spv::Op op, TypeKind kind) {
    using spv::Op;
    if (op >= Op::OpGroupNonUniformLogicalAnd) return kind == TypeKind::kBool;
    const bool is_float = op == Op::OpGroupNonUniformFAdd || op == Op::OpGroupNonUniformFMul ||
                          op == Op::OpGroupNonUniformFMin || op == Op::OpGroupNonUniformFMax;
    return kind == (is_float ? TypeKind::kFloat : TypeKind::kInt);
  }

  bool is_logical_pointer(Id type_id) const {
    const spirv::Type* type = m_.type(type_id);
    return type && type->kind == TypeKind::kPointer &&
           type->storage != spv::StorageClass::PhysicalStorageBuffer;
  }

  Result<void> check_extended(const spirv::Instruction& inst) {
    if (m_.instruction_set(inst.args[0]) == spirv::InstructionSet::kNonSemantic) return {};
    if (!supports_glsl_std_450(inst.args[1]))
      return fail(SOKR_CAPABILITY_DENIED,
                  "GLSL.std.450 {} (word {}) is an instruction that this substrate does not have",
                  spirv::glsl_std_450_name(inst.args[1]), inst.word);
    return {};
  }

  const spirv::Module& m_;
  const spirv::EntryPoint& e_;
  const CompileOptions& o_;
  bool has_large_ = false;  // values of many scalars
};

}  // namespace

Result<void> check(const spirv::Module& module, const spirv::EntryPoint& entry,
                   const CompileOptions& options) {
  return Checker(module, entry, options).run(false);
}

Result<void> check_wholly(const spirv::Module& module, const spirv::EntryPoint& entry,
                          const CompileOptions& options) {
  return Checker(module, entry, options).run(true);
}

}  // namespace sokr::cpu
