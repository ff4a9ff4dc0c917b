// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A constant array that a kernel indexes by a value reaches it as a variable: front ends
// copy the constant into one, ahead of every use. Such a variable needs no memory for each
// invocation. What it holds before it is written is undefined, so it may be the constant.
#include <unordered_map>

#include "compiler/program/queries.hpp"

namespace sokr::cpu {
namespace {

class TableFinder {
 public:
  explicit TableFinder(Program& program) : p_(program) {}

  void run() {
    for (const auto& variable : p_.variables) tables_.emplace(variable.id, 0);
    if (tables_.empty()) return;
    for (const auto& block : p_.blocks) {
      for (const auto& phi : block.phis)
        if (phi.incoming.size() > 1)
          for (const auto& in : phi.incoming) exclude(in.value);
      for (const auto& inst : block.body) visit(inst);
    }
    bool some = false;
    for (auto& variable : p_.variables) {
      auto it = tables_.find(variable.id);
      if (it == tables_.end() || !it->second) continue;
      variable.table = it->second;
      some = true;
    }
    if (!some) return;
    remove_stores();
    fold_elements();
  }

 private:
  // The variable that a pointer leads to; 0 if it is none that may still be a table.
  Id candidate(Id pointer) const {
    if (pointer < p_.module->bound() && !tables_.contains(pointer)) return 0;
    Id root = root_of(p_, pointer);
    return root && tables_.contains(root) ? root : 0;
  }

  void exclude(Id pointer) {
    if (Id root = candidate(pointer)) tables_.erase(root);
  }

  void visit(const Inst& inst) {
    visit_value_operands(inst, [&](std::size_t i) {
      Id root = candidate(inst.args[i]);
      if (!root || reads(inst.op, i)) return;
      bool whole = inst.op == spv::Op::OpStore && i == 0 && look_through(p_, inst.args[0]) == root;
      if (!whole || !hold(root, inst.args[1])) tables_.erase(root);
    });
  }

  static bool reads(spv::Op op, std::size_t index) {
    if (op == kCopyAggregate) return index == 1;
    switch (op) {
      case spv::Op::OpLoad:
      case spv::Op::OpAccessChain:
      case spv::Op::OpInBoundsAccessChain:
      case spv::Op::OpCopyObject:
        return index == 0;
      case spv::Op::OpCopyMemory:
        return index == 1;
      default:
        return false;
    }
  }

  bool hold(Id variable, Id value) {
    if (!p_.module->constant(value)) return false;
    Id& table = tables_[variable];
    if (table && table != value) return false;
    table = value;
    return true;
  }

  void remove_stores() {
    std::vector<const Inst*> gone;  // all found before any goes: definitions have places
    for (const auto& block : p_.blocks)
      for (const auto& inst : block.body) {
        if (inst.op != spv::Op::OpStore) continue;
        const PrivateVariable* variable = private_variable(p_, root_of(p_, inst.args[0]));
        if (variable && variable->table) gone.push_back(&inst);
      }
    auto next = gone.begin();
    for (auto& block : p_.blocks) {
      std::vector<Inst> kept;
      kept.reserve(block.body.size());
      for (auto& inst : block.body) {
        if (next != gone.end() && *next == &inst)
          ++next;
        else
          kept.push_back(std::move(inst));
      }
      block.body = std::move(kept);
    }
    index_definitions(p_);
  }

  // The constant that an element of a table is, chosen by constants; 0 = not known.
  Id element(Id pointer) const {
    const Inst* chain = p_.inst(look_through(p_, pointer));
    if (!chain ||
        (chain->op != spv::Op::OpAccessChain && chain->op != spv::Op::OpInBoundsAccessChain))
      return 0;
    const PrivateVariable* variable = private_variable(p_, chain->args[0]);
    Id id = variable ? variable->table : 0;
    for (std::size_t i = 1; id && i < chain->args.size(); ++i) {
      const spirv::Constant *whole = p_.constant(id), *index = p_.constant(chain->args[i]);
      if (!index || !index->parts.empty() || index->is_undef || index->bits >= whole->parts.size())
        return 0;
      id = whole->parts[static_cast<std::size_t>(index->bits)];
    }
    const spirv::Constant* found = id ? p_.constant(id) : nullptr;
    return found && !found->is_undef ? id : 0;
  }

  // So that whoever computes with it knows the number, as rounds of a copied loop do.
  void fold_elements() {
    std::unordered_map<Id, Id> known;
    for (const auto& block : p_.blocks)
      for (const auto& inst : block.body)
        if (inst.op == spv::Op::OpLoad)
          if (const Id constant = element(inst.args[0])) known[inst.id] = constant;
    if (known.empty()) return;
    for (auto& block : p_.blocks)
      std::erase_if(block.body, [&](const Inst& inst) { return known.contains(inst.id); });
    for (const auto& [gone, constant] : known) forget_definition(p_, gone);
    replace_values(p_, known);
    index_definitions(p_);
  }

  Program& p_;
  std::unordered_map<Id, Id> tables_;  // variables that may be tables -> constant, 0 = none yet
};

}  // namespace

void find_tables(Program& program) {
  TableFinder(program).run();
}

}  // namespace sokr::cpu
