// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/neighbours.hpp"

#include <algorithm>
#include <map>

#include "compiler/memory_layout.hpp"
#include "compiler/support.hpp"

namespace sokr::cpu {
namespace {

constexpr std::uint32_t kElementBytes = 4;

const Inst* chain_of(const Program& program, Id pointer) {
  const Inst* chain = program.inst(look_through(program, pointer));
  const bool is_chain =
      chain && (chain->op == spv::Op::OpAccessChain || chain->op == spv::Op::OpInBoundsAccessChain);
  return is_chain && chain->args.size() >= 2 ? chain : nullptr;
}

// Do the lanes' elements lie in so few rows that wide loads and permutations are as good as moving
// pairs? Those of a sorting network's exchanges do.
bool lies_in_rows(const Program& program, const Analysis& analysis, Id pointer) {
  constexpr std::int64_t kFewRows = 32;  // elements
  const Inst& chain = *chain_of(program, pointer);
  for (std::size_t i = 1; i < chain.args.size(); ++i) {
    if (chain.args[i] < program.module->bound() || program.constant(chain.args[i])) continue;
    const Shapes& shapes = analysis.values[chain.args[i] - program.module->bound()];
    if (shapes.size() != 1 || shapes[0].is_uniform()) continue;
    if (i + 1 < chain.args.size() || !shapes[0].table) return false;
    const auto [low, high] = std::ranges::minmax(*shapes[0].table);
    return std::int64_t{high} - low < kFewRows;
  }
  return false;
}

// What an instruction may do to memory that others look at.
struct Effect {
  bool any = false;  // to all of it
  Id root = 0;       // or to this variable: stored, or loaded
  bool stores = false;
};

Effect effect_of(const Program& program, const Inst& inst) {
  Effect effect;
  if (inst.op != spv::Op::OpLoad && inst.op != spv::Op::OpStore) {
    // Extended instructions write nothing but what they are given a pointer to.
    const bool extended = inst.op == spv::Op::OpExtInst;
    for (std::size_t i = 1; extended && i < inst.args.size(); ++i) {
      const spirv::Type* type = program.module->type(program.type_of(inst.args[i]));
      effect.any |= operand_is_value(inst.op, i, inst.args) && type &&
                    type->kind == spirv::TypeKind::kPointer;
    }
    if (extended) return effect;
    effect.any = has_effects(inst.op) || handler_of(inst.op) == Handler::kAtomic ||
                 handler_of(inst.op) == Handler::kMemory || inst.op == kCopyAggregate ||
                 inst.op == kCall || inst.op == kReturn;
    return effect;
  }
  if (private_place(program, inst.args[0])) return effect;
  const Id root = root_of(program, inst.args[0]);
  const spirv::Variable* variable = program.module->variable(root);
  if (!variable) {
    effect.any = true;
  } else if (variable->storage == spv::StorageClass::Workgroup) {
    effect.root = root;
    effect.stores = inst.op == spv::Op::OpStore;
  }
  return effect;
}

}  // namespace

bool has_neighbours(const Program& program, Id pointer) {
  const Inst* chain = chain_of(program, pointer);
  if (!chain || program.entry->explicit_workgroup) return false;
  const spirv::Variable* variable = program.module->variable(chain->args[0]);
  if (!variable || variable->storage != spv::StorageClass::Workgroup ||
      program.module->is_shared_live(*variable) || program.constant(chain->args.back()))
    return false;
  Id type = variable->pointee;
  for (std::size_t i = 1; i < chain->args.size(); ++i) {
    const spirv::Type* array = program.module->type(type);
    if (!array || array->kind != spirv::TypeKind::kArray) return false;
    type = array->element;
  }
  const spirv::Type* element = program.module->type(type);
  if (!element) return false;
  const bool vector = element->kind == spirv::TypeKind::kVector;
  const spirv::Type* scalar = vector ? program.module->type(element->element) : element;
  return scalar &&
         (scalar->kind == spirv::TypeKind::kInt || scalar->kind == spirv::TypeKind::kFloat) &&
         (vector ? element->count : 1) * scalar->width == 8 * kElementBytes;
}

bool lies_apart(const Program& program, const Analysis& analysis, Id pointer, std::uint32_t count) {
  const Inst* chain = chain_of(program, pointer);
  bool apart = false;
  std::int64_t step = 0;
  for (std::size_t i = 1; chain && i < chain->args.size(); ++i) {
    if (program.constant(chain->args[i])) continue;
    if (chain->args[i] < program.module->bound()) return false;
    const Shapes& shapes = analysis.values[chain->args[i] - program.module->bound()];
    if (shapes.size() != 1 || !shapes[0].known) return false;
    if (!shapes[0].affine)
      apart = true;
    else if (shapes[0].ls != 0 && i + 1 < chain->args.size())
      apart = true;
    else
      step = shapes[0].ls;
  }
  return apart || step <= -std::int64_t{count} || step >= std::int64_t{count};
}

const Neighbours::Group* Neighbours::group_of(std::uint32_t block, const Inst& inst) {
  if (searched_.insert(block).second) find(block);
  const auto it = by_inst_.find(&inst);
  return it == by_inst_.end() ? nullptr : it->second;
}

void Neighbours::find(std::uint32_t block) {
  struct Open {
    std::vector<std::uint32_t> key;
    bool is_store = false;
    Id root = 0;
    std::uint32_t first = 0;  // the constant of the first member's index
    std::vector<Member> members;
  };
  std::vector<Open> open;
  const auto close = [&](const Open& one) {
    // Elements from the lowest one on, without gaps.
    std::uint32_t low = kMostNeighbours, there = 0;
    for (const Member& member : one.members) {
      low = std::min(low, member.step);
      there |= 1u << member.step;
    }
    std::uint32_t count = 0;
    while (there >> (low + count) & 1) ++count;
    if (count < 2 ||
        (count < kMostNeighbours && lies_in_rows(p_, a_, one.members.front().inst->args[0])))
      return;
    auto group = std::make_unique<Group>();
    group->count = count;
    for (Member member : one.members) {
      if (member.step - low >= count) continue;
      member.step -= low;
      group->members.push_back(member);
      by_inst_[member.inst] = group.get();
    }
    groups_.push_back(std::move(group));
  };
  const auto close_if = [&](auto which) {
    std::erase_if(open, [&](const Open& one) {
      if (!which(one)) return false;
      close(one);
      return true;
    });
  };
  for (const Inst& inst : p_.blocks[block].body) {
    const Effect effect = effect_of(p_, inst);
    if (effect.any) {
      close_if([](const Open&) { return true; });
      continue;
    }
    if (!effect.root) continue;
    std::vector<std::uint32_t> key;
    std::uint32_t constant = 0;
    const bool fits = has_neighbours(p_, inst.args[0]) && lies_apart(p_, a_, inst.args[0], 2);
    if (fits) {
      const Inst& chain = *chain_of(p_, inst.args[0]);
      key.push_back(effect.stores ? 1 : 0);
      for (std::size_t i = 0; i + 1 < chain.args.size(); ++i)
        key.push_back(i == 0 ? chain.args[0] : numbers_.number_of(chain.args[i]));
      const Numbering::Sum& sum = numbers_.sum_of(chain.args.back());
      constant = sum.constant;
      for (const auto& [number, factor] : sum.factors) key.insert(key.end(), {number, factor});
    }
    const auto found = std::ranges::find_if(open, [&](const Open& one) {
      if (!fits || one.key != key) return false;
      // Stores may come in any order from the first one on, and each once.
      const std::uint32_t step = constant - one.first;
      return step < kMostNeighbours &&
             (!effect.stores ||
              std::ranges::none_of(
                  one.members, [&](const Member& member) { return member.step == step; }));
    });
    const Open* own = found == open.end() ? nullptr : &*found;
    const std::vector<std::uint32_t> own_key = own ? own->key : std::vector<std::uint32_t>();
    const std::uint32_t own_first = own ? own->first : 0;
    // Whoever is stored to may be what others load, and the other way round.
    close_if([&](const Open& one) {
      const bool is_own = own && one.key == own_key && one.first == own_first;
      return one.root == effect.root && !is_own && (effect.stores || one.is_store);
    });
    if (!fits) continue;
    auto at = std::ranges::find_if(
        open, [&](const Open& one) { return own && one.key == own_key && one.first == own_first; });
    if (at == open.end()) {
      open.push_back({key, effect.stores, effect.root, constant, {}});
      at = open.end() - 1;
    }
    at->members.push_back({&inst, constant - at->first});
  }
  close_if([](const Open&) { return true; });
}

}  // namespace sokr::cpu
