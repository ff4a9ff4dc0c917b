// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/analysis/lane_groups.hpp"

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "compiler/program/queries.hpp"

namespace sokr::cpu {
namespace {

constexpr int kMostGroupSteps = 256;  // from a value to what it is made of, each by a call

// The result is the same where the operands are.
bool depends_on_operands_only(spv::Op op) {
  switch (op) {
    case spv::Op::OpIMul:
    case spv::Op::OpUDiv:
    case spv::Op::OpSDiv:
    case spv::Op::OpUMod:
    case spv::Op::OpSRem:
    case spv::Op::OpSMod:
    case spv::Op::OpShiftLeftLogical:
    case spv::Op::OpShiftRightLogical:
    case spv::Op::OpShiftRightArithmetic:
    case spv::Op::OpBitwiseAnd:
    case spv::Op::OpBitwiseOr:
    case spv::Op::OpBitwiseXor:
    case spv::Op::OpNot:
    case spv::Op::OpSNegate:
      return true;
    default:
      return false;
  }
}

}  // namespace

// The largest groups in which all steps are those of the first group.
LaneGroup LaneGroups::group_of_table(const Table& table) const {
  for (unsigned lanes = width_; lanes > 1; lanes /= 2) {
    const std::int64_t step = std::int64_t{table[1]} - table[0];
    bool good = true;
    for (unsigned l = 0; l + 1 < width_ && good; ++l)
      good = (l + 1) % lanes == 0 || std::int64_t{table[l + 1]} - table[l] == step;
    if (good) return {lanes, step};
  }
  return {};
}

LaneGroup LaneGroups::group_of(Id id) {
  if (id < p_.module->bound()) return {width_, 0};
  const auto [it, fresh] = known_.try_emplace(id);
  if (!fresh) return it->second;
  const Shapes& shapes = a_.values[id - p_.module->bound()];
  const spirv::Type* type = p_.module->type(p_.type_of(id));
  LaneGroup group;
  // Who has left a loop keeps the number of another round.
  const bool steady = a_.leaves_loop[id - p_.module->bound()] == kNone;
  if (steady && shapes.size() == 1 && type && type->kind == spirv::TypeKind::kInt &&
      type->width == 32) {
    const Shape& shape = shapes[0];
    if (shape.affine)
      group = {width_, shape.ls};
    else if (shape.table)
      group = group_of_table(*shape.table);
    else if (const Inst* inst = p_.inst(id); inst && depth_ < kMostGroupSteps) {
      ++depth_;
      group = computed(*inst);
      --depth_;
    }
  }
  // Larger steps are none of elements that lie near each other, and products of them go round.
  if (std::abs(group.step) > INT32_MAX) group = {};
  if (group.lanes == 1) group.step = 0;
  return known_[id] = group;
}

LaneGroup LaneGroups::computed(const Inst& inst) {
  const auto constant = [&](Id id) -> std::optional<std::int64_t> {
    const spirv::Constant* c = p_.constant(id);
    if (!c || c->is_undef || !c->parts.empty()) return std::nullopt;
    return c->is_null ? 0 : static_cast<std::int64_t>(c->bits & UINT32_MAX);
  };
  if (inst.op == spv::Op::OpCopyObject || inst.op == spv::Op::OpBitcast)
    return group_of(inst.args[0]);
  if (inst.op == spv::Op::OpIAdd || inst.op == spv::Op::OpISub) {
    const LaneGroup x = group_of(inst.args[0]), y = group_of(inst.args[1]);
    return {std::min(x.lanes, y.lanes),
            inst.op == spv::Op::OpIAdd ? x.step + y.step : x.step - y.step};
  }
  if (!depends_on_operands_only(inst.op)) return {};
  LaneGroup group{width_, 0};
  bool same = true;
  for (const Id arg : inst.args) {
    const LaneGroup one = group_of(arg);
    group.lanes = std::min(group.lanes, one.lanes);
    same = same && one.step == 0;
  }
  if (same) return group;
  constexpr std::int64_t kMostFactor = 1 << 16;
  if (inst.op == spv::Op::OpIMul)
    for (const unsigned i : {0u, 1u})
      if (const auto by = constant(inst.args[i]); by && *by <= kMostFactor)
        return {group.lanes, group_of(inst.args[1 - i]).step * *by};
  if (inst.op == spv::Op::OpShiftLeftLogical)
    if (const auto by = constant(inst.args[1]); by && *by <= 16)
      return {group.lanes, group_of(inst.args[0]).step << *by};
  return {};
}

}  // namespace sokr::cpu
