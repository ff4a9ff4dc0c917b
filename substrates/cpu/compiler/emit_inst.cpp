// SPDX-License-Identifier: MIT OR Apache-2.0
#include <sokr/spirv/float_controls.hpp>

#include "compiler/emitter.hpp"
#include "compiler/rounding.hpp"
#include "compiler/support.hpp"
#include "compiler/transfer.hpp"

namespace sokr::cpu {

using llvm::ConstantInt;

LlvmValue* Emitter::splat_like(LlvmValue* scalar, LlvmType* type) {
  return type->isVectorTy() ? b_.CreateVectorSplat(g_.width, scalar) : scalar;
}

LlvmValue* Emitter::integer_like(LlvmType* type, std::uint64_t value) {
  unsigned bits = type->getScalarSizeInBits();
  return ConstantInt::get(type, llvm::APInt(64, value).zextOrTrunc(bits));
}

namespace {

std::uint32_t leaf_of_path(const spirv::Module& module, Id type,
                           std::span<const std::uint32_t> path) {
  std::uint32_t first = 0;
  for (std::uint32_t index : path) {
    first += leaf_offset(module, type, index);
    type = element_type(module, type, index);
  }
  return first;
}

}  // namespace

// Instructions that only move components.
Leaves Emitter::emit_composite(const Op& op, bool& done) {
  const Inst& inst = op.inst;
  Leaves out;
  done = true;
  switch (inst.op) {
    case spv::Op::OpCompositeConstruct:
      for (const auto& arg : op.args) out.append(arg.begin(), arg.end());
      return out;
    case spv::Op::OpCompositeExtract: {
      auto first =
          leaf_of_path(*p_.module, p_.type_of(inst.args[0]), std::span(inst.args).subspan(1));
      for (std::uint32_t i = 0; i < leaf_count(*p_.module, inst.type); ++i)
        out.push_back(op.args[0][first + i]);
      return out;
    }
    case spv::Op::OpCompositeInsert: {
      auto first = leaf_of_path(*p_.module, inst.type, std::span(inst.args).subspan(2));
      out = op.args[1];
      for (std::size_t i = 0; i < op.args[0].size(); ++i) out[first + i] = op.args[0][i];
      return out;
    }
    case spv::Op::OpVectorShuffle:
      for (std::size_t i = 2; i < inst.args.size(); ++i) {
        std::size_t at = inst.args[i], n = op.args[0].size();
        if (at < n)
          out.push_back(op.args[0][at]);
        else if (at - n < op.args[1].size())
          out.push_back(op.args[1][at - n]);
        else
          out.push_back(zero_val(Shape::uniform(), scalar_type(inst.type)));
      }
      return out;
    case spv::Op::OpUndef: {
      std::vector<Id> types;
      leaf_types(*p_.module, inst.type, types);
      for (Id type : types) out.push_back(zero_val(Shape::uniform(), scalar_type(type)));
      return out;
    }
    case spv::Op::OpCopyObject:
    case spv::Op::OpCopyLogical:
      return op.args[0];
    case spv::Op::OpVectorExtractDynamic: {
      Shape shape = shape_of_leaf(op, 0);
      Val chosen = zero_val(Shape::uniform(), scalar_type(inst.type));
      for (std::size_t i = 0; i < op.args[0].size(); ++i)
        chosen = apply(shape, {&op.args[1][0], &op.args[0][i], &chosen},
                       [&](llvm::ArrayRef<LlvmValue*> v) {
                         return b_.CreateSelect(
                             b_.CreateICmpEQ(v[0], integer_like(v[0]->getType(), i)), v[1], v[2]);
                       });
      return {chosen};
    }
    case spv::Op::OpVectorInsertDynamic:
      for (std::size_t i = 0; i < op.args[0].size(); ++i)
        out.push_back(apply(shape_of_leaf(op, i), {&op.args[2][0], &op.args[1][0], &op.args[0][i]},
                            [&](llvm::ArrayRef<LlvmValue*> v) {
                              return b_.CreateSelect(
                                  b_.CreateICmpEQ(v[0], integer_like(v[0]->getType(), i)), v[1],
                                  v[2]);
                            }));
      return out;
    default:
      done = false;
      return out;
  }
}

void Emitter::emit_inst(const Inst& inst) {
  if (o_.trace) o_.trace->at(block_, inst);
  if (inst.op == kCall) return emit_call(inst);
  if (inst.op == kCallResult) return emit_call_result(inst);
  if (inst.op == kParameter) return emit_parameter(inst);
  if (inst.op == kReturn) return emit_return(inst);
  if (inst.op == kCopyAggregate)
    return emit_copy(inst.args[0], inst.args[1], inst.args[2], inst.args[3]);
  Handler handler = handler_of(inst.op);
  switch (inst.op) {
    case spv::Op::OpLoad:
      return emit_load(inst);
    case spv::Op::OpStore:
      return emit_store(inst);
    case spv::Op::OpCopyMemory:
      return emit_copy_memory(inst);
    case spv::Op::OpArrayLength:
      return emit_array_length(inst);
    case spv::Op::OpControlBarrier:
    case spv::Op::OpMemoryBarrier:
      emit_fence(inst);
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
    op.args.push_back(value ? get(inst.args[i]) : Leaves{});
  }
  static const Shapes kNoShapes;
  op.shapes = inst.id >= bound_ ? &a_.values[inst.id - bound_] : &kNoShapes;
  if (inst.id && op.shapes->size() < leaf_count(*p_.module, inst.type)) {
    // Nothing reaches it; its value does not matter.
    std::vector<Id> types;
    leaf_types(*p_.module, inst.type, types);
    Leaves zeros;
    for (Id type : types) zeros.push_back(zero_val(Shape::uniform(), scalar_type(type)));
    return set(inst.id, std::move(zeros));
  }
  Leaves out;
  const FloatModes modes = float_modes(*p_.entry);
  contract_ = t_.fma && !modes.toward_zero && !p_.module->decorations(inst.origin).no_contraction;
  std::optional<ProcessorRounding> rounding;
  if (modes.toward_zero) rounding.emplace(b_);
  switch (handler) {
    case Handler::kComposite: {
      bool done = false;
      out = emit_composite(op, done);
      break;
    }
    case Handler::kArithmetic:
      out = emit_arithmetic(op);
      break;
    case Handler::kConversion:
      out = emit_conversion(op);
      break;
    case Handler::kWideInteger:
      out = emit_wide_integer(op);
      break;
    case Handler::kMatrix:
      out = emit_matrix(op);
      break;
    case Handler::kDotProduct:
      out = emit_dot_product(op);
      break;
    case Handler::kExtension:
      out = emit_ext(op);
      break;
    case Handler::kSubgroup:
      out = emit_subgroup(op);
      break;
    case Handler::kAtomic:
      out = emit_atomic(op);
      break;
    case Handler::kPointerTest:
      out = emit_pointer_test(op);
      break;
    default:
      internal_error(fmt::format("{} has no code", spirv::op_name(inst.op)));
      return;
  }
  if (modes.flush != 0 && inst.id &&
      spirv::flushes_result(inst.op, inst.args.size() > 1 ? inst.args[1] : 0)) {
    std::vector<Id> types;
    leaf_types(*p_.module, inst.type, types);
    for (std::size_t i = 0; i < out.size() && i < types.size(); ++i) {
      const spirv::Type& type = *p_.module->type(types[i]);
      if (type.kind != spirv::TypeKind::kFloat || !modes.flushes(type.width)) continue;
      out[i] = apply(out[i].s, {&out[i]},
                     [&](llvm::ArrayRef<LlvmValue*> v) { return flushed(b_, v[0]); });
    }
  }
  if (inst.id) set(inst.id, std::move(out));
}

}  // namespace sokr::cpu
