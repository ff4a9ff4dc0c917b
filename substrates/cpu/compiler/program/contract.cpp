// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Contraction: which products and sums become one operation with one rounding. Decided here, from
// the kernel alone, and not by LLVM, whose choice depends on what its passes have left in one
// block: so a result does not depend on effort, register width or interleave factor. SPIR-V
// allows it where no operand's decoration forbids it (NoContraction, SPIR-V 3.20).
#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "compiler/program/float_modes.hpp"
#include "compiler/program/program.hpp"

namespace sokr::cpu {
namespace {

bool is_product(spv::Op op) {
  return op == spv::Op::OpFMul || op == spv::Op::OpVectorTimesScalar ||
         op == spv::Op::OpMatrixTimesScalar;
}
// Products that are sums themselves: what takes such a sum as well.
spv::Op with_sum(spv::Op op) {
  for (const spv::Op fused : {kDotAdd, kVectorTimesMatrixAdd, kMatrixTimesVectorAdd})
    if (product_of(fused) == op) return fused;
  return spv::Op::OpNop;
}
bool is_sum(spv::Op op) {
  return op == spv::Op::OpFAdd || op == spv::Op::OpFSub;
}

class Contractor {
 public:
  explicit Contractor(Program& program) : p_(program), modes_(float_modes(*program.entry)) {}

  void run() {
    if (modes_.toward_zero) return;
    find_products();
    if (products_.empty()) return;
    leave_out_needed();
    while (choose()) {
    }
    for (std::uint32_t b = 0; b < p_.blocks.size(); ++b) rewrite(b);
    index_definitions(p_);
  }

 private:
  struct Product {
    spv::Op op{};
    std::uint32_t block = 0;
    std::size_t uses = 0;
    std::size_t taken = 0;  // by sums that would take it
  };

  bool may_contract(const Inst& inst) const {
    const spirv::Type type = p_.module->scalar_type(inst.type);
    return type.kind == spirv::TypeKind::kFloat && modes_.contracts(type.width) &&
           !p_.module->decorations(inst.origin).no_contraction;
  }
  // Of halves also those that are sums: one rounding less for each. Of floats a sum that is added
  // last keeps what a loop carries from waiting for all of its terms.
  bool may_be_taken(const Inst& inst) const {
    if (!may_contract(inst)) return false;
    return is_product(inst.op) ||
           (with_sum(inst.op) != spv::Op::OpNop && p_.module->scalar_type(inst.type).width == 16);
  }

  // The same product made twice in a block is one: what is subtracted from itself is 0, and not
  // what one of the two lost when it was rounded.
  void find_products() {
    std::unordered_map<Id, Id> same;
    for (std::uint32_t b = 0; b < p_.blocks.size(); ++b) {
      std::map<std::pair<spv::Op, std::vector<std::uint32_t>>, Id> made;
      std::erase_if(p_.blocks[b].body, [&](const Inst& inst) {
        if (!may_be_taken(inst)) return false;
        std::vector<std::uint32_t> factors = inst.args;
        for (std::uint32_t& factor : factors)
          if (const auto it = same.find(factor); it != same.end()) factor = it->second;
        if (inst.op == spv::Op::OpFMul) std::ranges::sort(factors);
        const auto [at, is_new] = made.try_emplace({inst.op, std::move(factors)}, inst.id);
        if (is_new) {
          products_[inst.id] = {inst.op, b};
          return false;
        }
        same.emplace(inst.id, at->second);
        forget_definition(p_, inst.id);
        return true;
      });
    }
    if (same.empty()) return;
    replace_values(p_, same);
    index_definitions(p_);
  }

  // Those that others than sums need have to be made anyway.
  void leave_out_needed() {
    const auto used = [&](Id id, bool by_sum) {
      const auto it = products_.find(id);
      if (it == products_.end()) return;
      ++it->second.uses;
      if (by_sum) ++it->second.taken;
    };
    for (std::uint32_t b = 0; b < p_.blocks.size(); ++b) {
      for (const Phi& phi : p_.blocks[b].phis)
        for (const Incoming& in : phi.incoming) used(in.value, false);
      for (const Inst& inst : p_.blocks[b].body) {
        const bool takes = taken_by(inst, b).has_value();
        visit_value_operands(inst, [&](std::size_t i) {
          const auto it = products_.find(inst.args[i]);
          used(inst.args[i], takes && it != products_.end() && it->second.block == b);
        });
      }
    }
    leave_out();
  }

  bool leave_out() {
    return std::erase_if(products_, [](const auto& one) {
             return one.second.taken == 0 || one.second.taken != one.second.uses;
           }) != 0;
  }

  // The operand that a sum takes, of two products the first.
  std::optional<std::size_t> taken_by(const Inst& inst, std::uint32_t block) const {
    if (!is_sum(inst.op) || !may_contract(inst)) return std::nullopt;
    for (std::size_t i = 0; i < 2; ++i) {
      const auto it = products_.find(inst.args[i]);
      if (it == products_.end() || it->second.block != block) continue;
      if (inst.op == spv::Op::OpFAdd || is_product(it->second.op)) return i;
    }
    return std::nullopt;
  }

  // Has one been left out, because a sum of two products takes the other one?
  bool choose() {
    for (auto& [id, product] : products_) product.taken = 0;
    for (std::uint32_t b = 0; b < p_.blocks.size(); ++b)
      for (const Inst& inst : p_.blocks[b].body)
        if (const auto i = taken_by(inst, b)) ++products_.at(inst.args[*i]).taken;
    return leave_out();
  }

  void rewrite(std::uint32_t b) {
    struct Factors {
      spv::Op op{};
      std::vector<std::uint32_t> args;
    };
    std::unordered_map<Id, Factors> factors;
    for (Inst& inst : p_.blocks[b].body) {
      if (products_.contains(inst.id)) {
        factors[inst.id] = {inst.op, inst.args};
        continue;
      }
      const auto i = taken_by(inst, b);
      if (!i) continue;
      const auto& product = factors.at(inst.args[*i]);
      const Id other = inst.args[1 - *i];
      if (const spv::Op dot = with_sum(product.op); dot != spv::Op::OpNop) {
        inst.op = dot;
        inst.args = {product.args[0], product.args[1], other};
        continue;
      }
      inst.op = inst.op == spv::Op::OpFAdd ? kMultiplyAdd
                : *i == 0                  ? kMultiplySubtract
                                           : kNegatedMultiplyAdd;
      inst.args = {product.args[0], product.args[1], other};
    }
    std::erase_if(p_.blocks[b].body, [&](const Inst& inst) {
      if (!products_.contains(inst.id)) return false;
      forget_definition(p_, inst.id);
      return true;
    });
  }

  Program& p_;
  const FloatModes modes_;
  std::unordered_map<Id, Product> products_;  // that every use takes
};

}  // namespace

void contract_products(Program& program) {
  Contractor(program).run();
}

}  // namespace sokr::cpu
