// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/emit/control/instructions.hpp"

#include <sokr/spirv/float_controls.hpp>

#include "compiler/analysis/transfer.hpp"
#include "compiler/emit/builder/composite.hpp"
#include "compiler/emit/builder/rounding.hpp"
#include "compiler/program/support.hpp"

namespace sokr::cpu {

using llvm::ConstantInt;

void Instructions::emit_inst(const Inst& inst) {
  if (o_.trace) o_.trace->at(at_.block, inst);
  if (inst.op == kCall) return calls_.emit_call(inst);
  if (inst.op == kCallResult) return calls_.emit_call_result(inst);
  if (inst.op == kParameter) return calls_.emit_parameter(inst);
  if (inst.op == kReturn) return calls_.emit_return(inst);
  if (inst.op == kCopyAggregate)
    return copies_.emit_copy(inst.args[0], inst.args[1], inst.args[2], inst.args[3]);
  Handler handler = handler_of(inst.op);
  switch (inst.op) {
    case spv::Op::OpLoad:
      return memory_.emit_load(inst);
    case spv::Op::OpStore:
      return memory_.emit_store(inst);
    case spv::Op::OpCopyMemory:
      return memory_.emit_copy_memory(inst);
    case spv::Op::OpArrayLength:
      return memory_.emit_array_length(inst);
    case spv::Op::OpControlBarrier:
    case spv::Op::OpMemoryBarrier:
      atomics_.emit_fence(inst);
      return;
    default:
      break;
  }
  if (handler == Handler::kNothing) return;
  if (handler == Handler::kPointer) return;
  Op op{inst, {}, nullptr};
  for (std::size_t i = 0; i < inst.args.size(); ++i) {
    const spirv::Type* type = p_.module->type(p_.type_of(inst.args[i]));
    bool value = operand_is_value(inst.op, i, inst.args) && type;
    // Places to write to are looked up by those who write.
    bool place = handler == Handler::kAtomic || handler == Handler::kExtension;
    if (value && place && type->kind == spirv::TypeKind::kPointer) value = false;
    op.args.push_back(value ? values_.get(inst.args[i]) : Leaves{});
  }
  static const Shapes kNoShapes;
  op.shapes = inst.id >= bound_ ? &a_.values[inst.id - bound_] : &kNoShapes;
  if (inst.id && op.shapes->size() < leaf_count(*p_.module, inst.type)) {
    // Nothing reaches it; its value does not matter.
    std::vector<Id> types;
    leaf_types(*p_.module, inst.type, types);
    Leaves zeros;
    for (Id type : types) zeros.push_back(b_.zero_val(Shape::uniform(), b_.scalar_type(type)));
    return values_.set(inst.id, std::move(zeros));
  }
  Leaves out;
  const FloatModes modes = float_modes(*p_.entry);
  at_.contracts =
      t_.fma && !modes.toward_zero && !p_.module->decorations(inst.origin).no_contraction;
  std::optional<ProcessorRounding> rounding;
  if (modes.toward_zero) rounding.emplace(b_);
  switch (handler) {
    case Handler::kComposite: {
      bool done = false;
      out = emit_composite(b_, op, done);
      break;
    }
    case Handler::kArithmetic:
      out = emit_arithmetic(ops_, op);
      break;
    case Handler::kConversion:
      out = emit_conversion(b_, op);
      break;
    case Handler::kWideInteger:
      out = emit_wide_integer(b_, op);
      break;
    case Handler::kMatrix:
      out = emit_matrix(b_, op);
      break;
    case Handler::kDotProduct:
      out = emit_dot_product(b_, op);
      break;
    case Handler::kExtension:
      out = emit_ext(ops_, op);
      break;
    case Handler::kSubgroup:
      out = emit_subgroup(ops_, op);
      break;
    case Handler::kAtomic:
      out = atomics_.emit_atomic(op);
      break;
    case Handler::kPointerTest:
      out = addresses_.emit_pointer_test(op);
      break;
    default:
      b_.internal_error(fmt::format("{} has no code", spirv::op_name(inst.op)));
      return;
  }
  if (modes.flush != 0 && inst.id &&
      spirv::flushes_result(inst.op, inst.args.size() > 1 ? inst.args[1] : 0)) {
    std::vector<Id> types;
    leaf_types(*p_.module, inst.type, types);
    for (std::size_t i = 0; i < out.size() && i < types.size(); ++i) {
      const spirv::Type& type = *p_.module->type(types[i]);
      if (type.kind != spirv::TypeKind::kFloat || !modes.flushes(type.width)) continue;
      out[i] = b_.apply(out[i].s, {&out[i]},
                        [&](llvm::ArrayRef<LlvmValue*> v) { return flushed(b_, v[0]); });
    }
  }
  if (inst.id) values_.set(inst.id, std::move(out));
}

}  // namespace sokr::cpu
