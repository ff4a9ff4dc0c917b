// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/analysis/neighbours.hpp"

#include <algorithm>
#include <map>
#include <numeric>

#include "compiler/program/memory_layout.hpp"
#include "compiler/program/support.hpp"

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

bool lives_in_buffer(const spirv::Variable& variable) {
  return variable.storage == spv::StorageClass::StorageBuffer ||
         variable.storage == spv::StorageClass::Uniform;
}

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
  } else if (variable->storage == spv::StorageClass::Workgroup || lives_in_buffer(*variable)) {
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

namespace {

// Bytes of the elements of the array in a buffer that this points to an element of, chosen by a
// number, if they are numbers without gaps; else 0.
std::uint32_t buffer_element(const Program& program, Id pointer) {
  const Inst* chain = chain_of(program, pointer);
  if (!chain || program.constant(chain->args.back())) return 0;
  const spirv::Variable* variable = program.module->variable(chain->args[0]);
  if (!variable || !lives_in_buffer(*variable)) return 0;
  Id type = variable->pointee;
  const spirv::Type* around = nullptr;
  for (std::size_t i = 1; i < chain->args.size(); ++i) {
    around = program.module->type(type);
    // An array of buffers has a descriptor for each.
    if (!around || (i == 1 && around->kind != spirv::TypeKind::kStruct)) return 0;
    const spirv::Constant* constant = program.constant(chain->args[i]);
    type = element_type(*program.module, type,
                        constant ? static_cast<std::uint32_t>(constant->bits) : 0);
  }
  const spirv::Type* element = program.module->type(type);
  const bool fits =
      element &&
      (around->kind == spirv::TypeKind::kArray || around->kind == spirv::TypeKind::kRuntimeArray) &&
      (element->kind == spirv::TypeKind::kInt || element->kind == spirv::TypeKind::kFloat) &&
      element->width <= 32 && around->stride == element->width / 8;
  return fits ? element->width / 8 : 0;
}

}  // namespace

bool has_buffer_neighbours(const Program& program, const Inst& access, bool assume_no_alias) {
  const std::uint32_t bytes = buffer_element(program, access.args[0]);
  if (bytes == 0 || is_shared_live(program, access)) return false;
  const spirv::Variable& variable = *program.module->variable(root_of(program, access.args[0]));
  if (access.op == spv::Op::OpLoad) return keeps_values(*program.module, variable, assume_no_alias);
  // Nobody else looks at what is stored before the last of a group is.
  return bytes == kElementBytes && assume_no_alias && !variable.aliased &&
         !program.module->is_shared_live(variable);
}

namespace {

// What the lanes' numbers differ by is a multiple of this; 0 = they do not differ.
std::uint32_t common_step(const Program& program, const Analysis& analysis, Id id, int& left) {
  if (id < program.module->bound() || program.constant(id)) return 0;
  const Shapes& shapes = analysis.values[id - program.module->bound()];
  if (shapes.size() != 1) return 1;
  if (shapes[0].known && shapes[0].affine)
    return static_cast<std::uint32_t>(std::abs(shapes[0].ls));
  if (shapes[0].table) {
    std::uint32_t step = 0;
    for (const std::int32_t at : *shapes[0].table)
      step = std::gcd(step, static_cast<std::uint32_t>(std::abs(at - (*shapes[0].table)[0])));
    return step;
  }
  const Inst* inst = --left >= 0 ? program.inst(id) : nullptr;
  const auto of = [&](std::size_t i) {
    return common_step(program, analysis, inst->args[i], left);
  };
  const auto factor = [&](std::size_t i) {
    const spirv::Constant* constant = program.constant(inst->args[i]);
    return constant && constant->parts.empty() && constant->bits < (1u << 16)
               ? static_cast<std::uint32_t>(constant->bits)
               : 0;
  };
  const std::uint32_t most = 1u << 16;
  switch (inst ? inst->op : spv::Op::OpNop) {
    case spv::Op::OpIAdd:
    case spv::Op::OpISub:
      return std::gcd(of(0), of(1));
    case spv::Op::OpIMul:
      for (const std::size_t i : {0u, 1u})
        if (const std::uint32_t by = factor(i)) return std::min(of(1 - i), most) * by;
      return 1;
    case spv::Op::OpShiftLeftLogical:
      return factor(1) < 16 ? std::min(of(0), most) << factor(1) : 1;
    case spv::Op::OpCopyObject:
      return of(0);
    default:
      return 1;
  }
}

std::uint32_t common_step(const Program& program, const Analysis& analysis, Id id) {
  constexpr int kMostTerms = 64;  // that the number is made of; one that is used twice counts twice
  int left = kMostTerms;
  return common_step(program, analysis, id, left);
}

// So many elements side by side of a buffer are known to be other ones for each lane, or the same.
// Where only the launch knows, lanes that lie side by side are better taken as rows: 1.
std::uint32_t elements_between(const Program& program, const Analysis& analysis, Id pointer) {
  const Inst& chain = *chain_of(program, pointer);
  const std::uint32_t step = common_step(program, analysis, chain.args.back());
  bool around = false;  // do lanes differ in what is around the array?
  for (std::size_t i = 1; i + 1 < chain.args.size(); ++i)
    around |= common_step(program, analysis, chain.args[i]) != 0;
  if (step == 0) return around ? kMostNeighbours : 1;
  return std::min(step, kMostNeighbours);
}

}  // namespace

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
    std::uint32_t first = 0;   // the constant of the first member's index
    std::uint32_t stored = 0;  // of loads: steps that were stored to since, a bit for each
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
    const bool in_buffer = has_buffer_neighbours(p_, inst, assume_no_alias_);
    const std::uint32_t most = in_buffer ? elements_between(p_, a_, inst.args[0]) : kMostNeighbours;
    const bool fits = in_buffer
                          ? most > 1
                          : has_neighbours(p_, inst.args[0]) && lies_apart(p_, a_, inst.args[0], 2);
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
      return step < most && (one.stored >> step & 1) == 0 &&
             (!effect.stores ||
              std::ranges::none_of(
                  one.members, [&](const Member& member) { return member.step == step; }));
    });
    const Open* own = found == open.end() ? nullptr : &*found;
    const std::vector<std::uint32_t> own_key = own ? own->key : std::vector<std::uint32_t>();
    const std::uint32_t own_first = own ? own->first : 0;
    // Whoever is stored to may be what others load, and the other way round; but not where indices
    // differ by a constant.
    close_if([&](const Open& one) {
      const bool is_own = own && one.key == own_key && one.first == own_first;
      const bool differs =
          fits &&
          std::ranges::equal(one.key.begin() + 1, one.key.end(), key.begin() + 1, key.end()) &&
          std::ranges::none_of(one.members, [&](const Member& member) {
            return member.step == constant - one.first;
          });
      return one.root == effect.root && !is_own && !differs && (effect.stores || one.is_store);
    });
    // What stays open is made where its first load stands: what is stored from here on is not
    // there.
    if (effect.stores)
      for (Open& one : open)
        if (const std::uint32_t step = constant - one.first;
            one.root == effect.root && !one.is_store && step < kMostNeighbours)
          one.stored |= 1u << step;
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
