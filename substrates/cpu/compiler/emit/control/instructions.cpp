// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/emit/control/instructions.hpp"

#include <algorithm>
#include <iterator>
#include <sokr/spirv/float_controls.hpp>

#include "compiler/emit/builder/composite.hpp"
#include "compiler/emit/builder/rounding.hpp"

namespace sokr::cpu {

// Instructions whose operands are places, or that do not follow from their operands alone.
struct Instructions::Statement {
  spv::Op op;
  void (*emit)(Instructions& self, const Inst& inst);
};

const Instructions::Statement Instructions::kStatements[] = {
    {kCall, [](Instructions& self, const Inst& inst) { self.calls_.emit_call(inst); }},
    {kCallResult, [](Instructions& self, const Inst& inst) { self.calls_.emit_call_result(inst); }},
    {kParameter, [](Instructions& self, const Inst& inst) { self.calls_.emit_parameter(inst); }},
    {kReturn, [](Instructions& self, const Inst& inst) { self.calls_.emit_return(inst); }},
    {kCopyAggregate,
     [](Instructions& self, const Inst& inst) {
       self.copies_.emit_copy(inst.args[0], inst.args[1], inst.args[2], inst.args[3]);
     }},
    {spv::Op::OpLoad,
     [](Instructions& self, const Inst& inst) { self.ops_.memory.emit_load(inst); }},
    {spv::Op::OpStore,
     [](Instructions& self, const Inst& inst) { self.ops_.memory.emit_store(inst); }},
    {spv::Op::OpCopyMemory,
     [](Instructions& self, const Inst& inst) { self.ops_.memory.emit_copy_memory(inst); }},
    {spv::Op::OpArrayLength,
     [](Instructions& self, const Inst& inst) { self.ops_.memory.emit_array_length(inst); }},
    {spv::Op::OpControlBarrier,
     [](Instructions& self, const Inst& inst) { self.atomics_.emit_fence(inst); }},
    {spv::Op::OpMemoryBarrier,
     [](Instructions& self, const Inst& inst) { self.atomics_.emit_fence(inst); }},
};

// What computes a result from operands, by the handler that the instruction's row names.
struct Instructions::Computation {
  Handler handler;
  Leaves (*emit)(Instructions& self, const Op& op);
};

const Instructions::Computation Instructions::kComputations[] = {
    {Handler::kComposite,
     [](Instructions& self, const Op& op) {
       bool done = false;
       return emit_composite(self.b_, op, done);
     }},
    {Handler::kArithmetic,
     [](Instructions& self, const Op& op) { return emit_arithmetic(self.ops_, op); }},
    {Handler::kConversion,
     [](Instructions& self, const Op& op) { return emit_conversion(self.b_, op); }},
    {Handler::kWideInteger,
     [](Instructions& self, const Op& op) { return emit_wide_integer(self.b_, op); }},
    {Handler::kMatrix, [](Instructions& self, const Op& op) { return emit_matrix(self.b_, op); }},
    {Handler::kDotProduct,
     [](Instructions& self, const Op& op) { return emit_dot_product(self.b_, op); }},
    {Handler::kExtension, [](Instructions& self, const Op& op) { return emit_ext(self.ops_, op); }},
    {Handler::kSubgroup,
     [](Instructions& self, const Op& op) { return emit_subgroup(self.ops_, op); }},
    {Handler::kAtomic,
     [](Instructions& self, const Op& op) { return self.atomics_.emit_atomic(op); }},
    {Handler::kPointerTest,
     [](Instructions& self, const Op& op) { return self.addresses_.emit_pointer_test(op); }},
};

void Instructions::emit_inst(const Inst& inst) {
  if (o_.trace) o_.trace->at(at_.block, inst);
  if (const auto* row = std::ranges::find(kStatements, inst.op, &Statement::op);
      row != std::end(kStatements))
    return row->emit(*this, inst);
  const Handler handler = handler_of(inst.op);
  if (handler == Handler::kNothing || handler == Handler::kPointer) return;
  const auto* row = std::ranges::find(kComputations, handler, &Computation::handler);
  if (row == std::end(kComputations)) {
    b_.internal_error(fmt::format("{} has no code", spirv::op_name(inst.op)));
    return;
  }
  static const Shapes kNoShapes;
  const Shapes& shapes = inst.id >= bound_ ? a_.values[inst.id - bound_] : kNoShapes;
  if (inst.id && shapes.size() < leaf_count(*p_.module, inst.type)) {
    // Nothing reaches it; its value does not matter.
    std::vector<Id> types;
    leaf_types(*p_.module, inst.type, types);
    Leaves zeros;
    for (Id type : types) zeros.push_back(b_.zero_val(Shape::uniform(), b_.scalar_type(type)));
    return ops_.values.set(inst.id, std::move(zeros));
  }
  const FloatModes modes = float_modes(*p_.entry);
  at_.contracts =
      t_.fma && !modes.toward_zero && !p_.module->decorations(inst.origin).no_contraction;
  std::optional<ProcessorRounding> rounding;
  Op op{inst, operands_of(inst, handler), &shapes};
  if (modes.toward_zero) rounding.emplace(b_);
  Leaves out = row->emit(*this, op);
  if (modes.flush != 0 && inst.id &&
      spirv::flushes_result(inst.op, inst.args.size() > 1 ? inst.args[1] : 0))
    flush_denormals(inst, modes, out);
  if (inst.id) ops_.values.set(inst.id, std::move(out));
}

std::vector<Leaves> Instructions::operands_of(const Inst& inst, Handler handler) {
  // Places to write to are looked up by those who write.
  const bool has_places = handler == Handler::kAtomic || handler == Handler::kExtension;
  std::vector<Leaves> operands;
  for (std::size_t i = 0; i < inst.args.size(); ++i) {
    const spirv::Type* type = p_.module->type(p_.type_of(inst.args[i]));
    bool value = operand_is_value(inst.op, i, inst.args) && type;
    if (value && has_places && type->kind == spirv::TypeKind::kPointer) value = false;
    operands.push_back(value ? ops_.values.get(inst.args[i]) : Leaves{});
  }
  return operands;
}

void Instructions::flush_denormals(const Inst& inst, const FloatModes& modes, Leaves& result) {
  std::vector<Id> types;
  leaf_types(*p_.module, inst.type, types);
  for (std::size_t i = 0; i < result.size() && i < types.size(); ++i) {
    const spirv::Type& type = *p_.module->type(types[i]);
    if (type.kind != spirv::TypeKind::kFloat || !modes.flushes(type.width)) continue;
    result[i] = b_.apply(result[i].s, {&result[i]},
                         [&](llvm::ArrayRef<LlvmValue*> v) { return flushed(b_, v[0]); });
  }
}

}  // namespace sokr::cpu
