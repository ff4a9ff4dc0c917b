// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Scalars, vectors and matrices in Function or Private variables that are only read and written as
// a whole become SSA values: in memory form, a loop counter would be written under the
// masks around it and count as different in every invocation. Braun et al., "Simple and
// Efficient Construction of Static Single Assignment Form" (2013), on finished blocks.
#include <unordered_map>
#include <unordered_set>

#include "compiler/program/program.hpp"
#include "compiler/program/queries.hpp"

namespace sokr::cpu {
namespace {

class Promoter {
 public:
  explicit Promoter(Program& program) : p_(program), bound_(program.module->bound()) {}

  void run() {
    find_candidates();
    if (candidates_.empty()) return;
    end_values_.resize(p_.blocks.size());
    start_values_.resize(p_.blocks.size());
    reached_.resize(p_.blocks.size());
    find_reached();
    // Blocks that nobody reaches too: their loads would be of variables that are no more.
    for (std::uint32_t b = 0; b < p_.blocks.size(); ++b) rewrite_block(b);
    for (std::size_t i = 0; i < pending_.size(); ++i) fill_phi(pending_[i]);
    remove_trivial_phis();
    substitute();
    std::erase_if(p_.variables,
                  [&](const PrivateVariable& v) { return candidates_.contains(v.id); });
    index_definitions(p_);
  }

 private:
  struct NewPhi {
    Id id, variable;
    std::uint32_t block;
    std::vector<Incoming> incoming;
  };

  Id fresh(Id type) {
    p_.definitions.push_back({type, kNone, -1});
    return bound_ + static_cast<Id>(p_.definitions.size()) - 1;
  }

  bool is_promotable(Id type) const {
    const spirv::Type* t = p_.module->type(type);
    return t && (t->kind == spirv::TypeKind::kBool || t->kind == spirv::TypeKind::kInt ||
                 t->kind == spirv::TypeKind::kFloat || t->kind == spirv::TypeKind::kVector ||
                 t->kind == spirv::TypeKind::kMatrix);
  }

  void find_candidates() {
    for (const auto& variable : p_.variables)
      if (is_promotable(variable.type)) candidates_.emplace(variable.id, variable.type);
    for (const auto& block : p_.blocks) {
      for (const auto& phi : block.phis)
        for (const auto& in : phi.incoming) candidates_.erase(in.value);
      for (const auto& inst : block.body)
        for (std::size_t i = 0; i < inst.args.size(); ++i) {
          bool whole = i == 0 && (inst.op == spv::Op::OpLoad || inst.op == spv::Op::OpStore);
          if (!whole && operand_is_value(inst.op, i, inst.args)) candidates_.erase(inst.args[i]);
        }
    }
  }

  void find_reached() {
    std::vector<std::uint32_t> open{0};
    reached_[0] = true;
    while (!open.empty()) {
      const Block& block = p_.blocks[open.back()];
      open.pop_back();
      auto visit = [&](std::uint32_t to) {
        if (reached_[to]) return;
        reached_[to] = true;
        open.push_back(to);
      };
      for (auto to : block.targets) visit(to);
      for (const auto& one : block.cases) visit(one.target);
    }
  }

  // Loads take the value at hand, stores change it; both go.
  void rewrite_block(std::uint32_t b) {
    std::vector<Inst> kept;
    auto& now = end_values_[b];
    for (auto& inst : p_.blocks[b].body) {
      bool load = inst.op == spv::Op::OpLoad && candidates_.contains(inst.args[0]);
      bool store = inst.op == spv::Op::OpStore && candidates_.contains(inst.args[0]);
      if (load) {
        auto it = now.find(inst.args[0]);
        replaced_[inst.id] = it != now.end() ? it->second : value_at_start(inst.args[0], b);
      } else if (store) {
        now[inst.args[0]] = inst.args[1];
      } else {
        kept.push_back(std::move(inst));
      }
    }
    p_.blocks[b].body = std::move(kept);
  }

  Id value_at_start(Id variable, std::uint32_t b) {
    auto it = start_values_[b].find(variable);
    if (it != start_values_[b].end()) return it->second;
    std::vector<std::uint32_t> from;
    for (auto pred : p_.blocks[b].predecessors)
      if (reached_[pred]) from.push_back(pred);
    if (b == 0 || from.empty()) return start_values_[b][variable] = zero(variable);
    Id id = fresh(candidates_[variable]);
    start_values_[b][variable] = id;
    pending_.push_back({id, variable, b, {}});
    return id;
  }

  // What nobody has written is zero.
  Id zero(Id variable) {
    Id type = candidates_[variable];
    auto [it, is_new] = zeros_.try_emplace(type, 0);
    if (is_new) {
      it->second = fresh(type);
      Inst undef;
      undef.op = spv::Op::OpUndef;
      undef.type = type;
      undef.id = it->second;
      prologue_.push_back(undef);
    }
    return it->second;
  }

  void fill_phi(NewPhi phi) {
    for (auto pred : p_.blocks[phi.block].predecessors) {
      if (!reached_[pred]) continue;
      auto it = end_values_[pred].find(phi.variable);
      Id value = it != end_values_[pred].end() ? it->second : value_at_start(phi.variable, pred);
      phi.incoming.push_back({value, pred});
    }
    phis_.push_back(std::move(phi));
  }

  Id final_value(Id id) const {
    for (auto it = replaced_.find(id); it != replaced_.end(); it = replaced_.find(id))
      id = it->second;
    return id;
  }

  // A phi whose operands are itself and one other value is that value.
  void remove_trivial_phis() {
    for (bool changed = true; changed;) {
      changed = false;
      for (auto& phi : phis_) {
        if (phi.block == kNone) continue;
        Id only = 0;
        bool trivial = true;
        for (const auto& in : phi.incoming) {
          Id value = final_value(in.value);
          if (value == phi.id || value == only) continue;
          if (only) trivial = false;
          only = value;
        }
        if (!trivial || !only) continue;
        replaced_[phi.id] = only;
        phi.block = kNone;
        changed = true;
      }
    }
  }

  void substitute() {
    for (auto& phi : phis_)
      if (phi.block != kNone)
        p_.blocks[phi.block].phis.push_back({phi.id, candidates_[phi.variable], phi.incoming,
                                             private_variable(p_, phi.variable)->origin});
    auto& first = p_.blocks[0].body;
    first.insert(first.begin(), prologue_.begin(), prologue_.end());
    for (auto& block : p_.blocks) {
      for (auto& phi : block.phis)
        for (auto& in : phi.incoming) in.value = final_value(in.value);
      for (auto& inst : block.body)
        for (std::size_t i = 0; i < inst.args.size(); ++i)
          if (operand_is_value(inst.op, i, inst.args)) inst.args[i] = final_value(inst.args[i]);
      if (block.condition) block.condition = final_value(block.condition);
    }
  }

  Program& p_;
  Id bound_;
  std::unordered_map<Id, Id> candidates_;  // variable -> type
  std::vector<std::unordered_map<Id, Id>> end_values_, start_values_;
  std::vector<bool> reached_;
  std::unordered_map<Id, Id> replaced_, zeros_;
  std::vector<NewPhi> pending_;
  std::vector<NewPhi> phis_;
  std::vector<Inst> prologue_;
};

}  // namespace

void promote_variables(Program& program) {
  Promoter(program).run();
}

}  // namespace sokr::cpu
