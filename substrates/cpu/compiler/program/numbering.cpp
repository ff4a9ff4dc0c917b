// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/program/numbering.hpp"

#include "compiler/program/queries.hpp"
#include "compiler/program/support.hpp"

namespace sokr::cpu {
namespace {

constexpr int kMostDepth = 64;            // from a value to what it is made of
constexpr std::size_t kMostFactors = 32;  // of a sum: each of a long row of sums keeps its own

// What a key begins with besides operations, which have 16 bits.
constexpr std::uint32_t kValue = 1u << 16, kSum = 2u << 16;

// May two of the same operands be one?
bool is_pure(spv::Op op) {
  switch (handler_of(op)) {
    case Handler::kComposite:
      return op != spv::Op::OpUndef;
    case Handler::kArithmetic:
    case Handler::kConversion:
    case Handler::kPointer:
      return true;
    default:
      return false;
  }
}

}  // namespace

bool Numbering::is_word(Id type) const {
  const spirv::Type* t = p_.module->type(type);
  return t && t->kind == spirv::TypeKind::kInt && t->width == 32;
}

std::uint32_t Numbering::intern(const std::vector<std::uint32_t>& key) {
  return known_.try_emplace(key, static_cast<std::uint32_t>(known_.size())).first->second;
}

std::uint32_t Numbering::number_of(Id id) {
  return number_of(id, 0);
}

const Numbering::Sum& Numbering::sum_of(Id id) {
  return sum_of(id, 0);
}

std::uint32_t Numbering::number_of_inst(const Inst& inst, int depth) {
  bool same = is_pure(inst.op);
  if (inst.op == spv::Op::OpLoad) {
    // What nobody writes is the same each time.
    const spirv::Variable* variable = p_.module->variable(root_of(p_, inst.args[0]));
    same = variable && (variable->builtin || variable->storage == spv::StorageClass::PushConstant);
  }
  if (!same || !inst.id || depth > kMostDepth) return intern({kValue, inst.id});
  std::vector<std::uint32_t> key{static_cast<std::uint32_t>(inst.op), inst.type};
  for (std::size_t i = 0; i < inst.args.size(); ++i) {
    const bool value = operand_is_value(inst.op, i, inst.args);
    key.push_back(value ? number_of(inst.args[i], depth + 1) : inst.args[i]);
  }
  return intern(key);
}

std::uint32_t Numbering::number_of(Id id, int depth) {
  if (const auto it = numbers_.find(id); it != numbers_.end()) return it->second;
  std::uint32_t number = 0;
  if (is_word(p_.type_of(id))) {
    const Sum& sum = sum_of(id, depth);
    if (sum.constant == 0 && sum.factors.size() == 1 && sum.factors.begin()->second == 1) {
      number = sum.factors.begin()->first;
    } else {
      std::vector<std::uint32_t> key{kSum, sum.constant};
      for (const auto& [of, factor] : sum.factors) key.insert(key.end(), {of, factor});
      number = intern(key);
    }
  } else if (const Inst* inst = p_.inst(id)) {
    number = number_of_inst(*inst, depth);
  } else {
    number = intern({kValue, id});
  }
  return numbers_[id] = number;
}

const Numbering::Sum& Numbering::sum_of(Id id, int depth) {
  if (const auto it = sums_.find(id); it != sums_.end()) return it->second;
  Sum sum = make_sum(id, depth);
  return sums_[id] = std::move(sum);
}

Numbering::Sum Numbering::make_sum(Id id, int depth) {
  Sum sum;
  const spirv::Constant* constant = p_.constant(id);
  if (constant && is_word(constant->type) && constant->parts.empty() && !constant->is_undef) {
    sum.constant = constant->is_null ? 0 : static_cast<std::uint32_t>(constant->bits);
    return sum;
  }
  const Inst* inst = p_.inst(id);
  const auto alone = [&] {
    sum = {};
    sum.factors[inst ? number_of_inst(*inst, depth) : intern({kValue, id})] = 1;
    return sum;
  };
  if (!inst || !is_word(inst->type) || depth > kMostDepth) return alone();
  const auto add = [&](const Sum& other, std::uint32_t times) {
    for (const auto& [number, factor] : other.factors)
      if ((sum.factors[number] += factor * times) == 0) sum.factors.erase(number);
    sum.constant += other.constant * times;
  };
  switch (inst->op) {
    case spv::Op::OpCopyObject:
      return sum_of(inst->args[0], depth + 1);
    case spv::Op::OpBitcast:
      if (!is_word(p_.type_of(inst->args[0]))) return alone();
      return sum_of(inst->args[0], depth + 1);
    case spv::Op::OpIAdd:
    case spv::Op::OpISub:
      add(sum_of(inst->args[0], depth + 1), 1);
      add(sum_of(inst->args[1], depth + 1), inst->op == spv::Op::OpIAdd ? 1 : UINT32_MAX);
      if (sum.factors.size() > kMostFactors) return alone();
      return sum;
    case spv::Op::OpIMul:
    case spv::Op::OpShiftLeftLogical: {
      Sum a = sum_of(inst->args[0], depth + 1), b = sum_of(inst->args[1], depth + 1);
      if (inst->op == spv::Op::OpShiftLeftLogical) {
        if (!b.factors.empty() || b.constant > 31) return alone();
        b.constant = 1u << b.constant;
      }
      if (!b.factors.empty()) std::swap(a, b);
      if (!b.factors.empty()) return alone();
      add(a, b.constant);
      return sum;
    }
    default:
      return alone();
  }
}

}  // namespace sokr::cpu
