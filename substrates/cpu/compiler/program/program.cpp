// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/program/program.hpp"

#include <algorithm>
#include <sokr/spirv/instructions.hpp>

namespace sokr::cpu {

bool operand_is_value(spv::Op op, std::size_t index, std::span<const std::uint32_t> args) {
  if (op == kCall) return index >= 1;
  if (op == kCallResult || op == kParameter) return false;
  if (op == kReturn || is_fused(op) || is_fused_dot(op)) return true;
  if (op == kCopyAggregate) return index <= 1 || (index == 2 && args[2] != 0);
  if (op == spv::Op::OpExtInst && index == 0) return false;  // the set of instructions
  return spirv::operand_kind(op, index) == spirv::OperandKind::kId;
}

Id element_type(const spirv::Module& module, Id type, std::uint32_t index) {
  const spirv::Type* t = module.type(type);
  if (!t) return 0;
  if (t->kind == spirv::TypeKind::kStruct)
    return index < t->members.size() ? t->members[index].type : 0;
  return t->element;
}

std::uint32_t leaf_count(const spirv::Module& module, Id type) {
  const spirv::Type* t = module.type(type);
  if (!t) return 0;
  switch (t->kind) {
    case spirv::TypeKind::kVoid:
      return 0;
    case spirv::TypeKind::kVector:
    case spirv::TypeKind::kMatrix:
    case spirv::TypeKind::kArray:
      return t->count * leaf_count(module, t->element);
    case spirv::TypeKind::kStruct: {
      std::uint32_t sum = 0;
      for (const auto& member : t->members) sum += leaf_count(module, member.type);
      return sum;
    }
    case spirv::TypeKind::kPointer:
      return t->storage == spv::StorageClass::PhysicalStorageBuffer ? 1 : kPointerLeaves;
    default:
      return 1;
  }
}

namespace {

// Up to kMostLeaves + 1, which also stands for types that are too many to look at.
std::uint64_t bounded_leaves(const spirv::Module& module, Id type, int& looked_at) {
  constexpr int kMostTypes = 256;
  constexpr std::uint64_t kTooMany = kMostLeaves + 1;
  const spirv::Type* t = module.type(type);
  if (!t) return 0;
  if (++looked_at > kMostTypes) return kTooMany;
  switch (t->kind) {
    case spirv::TypeKind::kVector:
    case spirv::TypeKind::kMatrix:
    case spirv::TypeKind::kArray:
      return std::min(bounded_leaves(module, t->element, looked_at) * t->count, kTooMany);
    case spirv::TypeKind::kStruct: {
      std::uint64_t sum = 0;
      for (const auto& member : t->members) {
        sum += bounded_leaves(module, member.type, looked_at);
        if (sum >= kTooMany) return kTooMany;
      }
      return sum;
    }
    default:
      return leaf_count(module, type);
  }
}

}  // namespace

bool is_large(const spirv::Module& module, Id type) {
  int looked_at = 0;
  return bounded_leaves(module, type, looked_at) > kMostLeaves;
}

std::uint32_t leaf_offset(const spirv::Module& module, Id type, std::uint32_t index) {
  const spirv::Type* t = module.type(type);
  if (!t) return 0;
  if (t->kind != spirv::TypeKind::kStruct) return index * leaf_count(module, t->element);
  std::uint32_t sum = 0;
  for (std::uint32_t i = 0; i < index && i < t->members.size(); ++i)
    sum += leaf_count(module, t->members[i].type);
  return sum;
}

void leaf_types(const spirv::Module& module, Id type, std::vector<Id>& out) {
  const spirv::Type* t = module.type(type);
  if (!t || t->kind == spirv::TypeKind::kVoid) return;
  switch (t->kind) {
    case spirv::TypeKind::kVector:
    case spirv::TypeKind::kMatrix:
    case spirv::TypeKind::kArray: {
      std::vector<Id> one;
      leaf_types(module, t->element, one);
      for (std::uint32_t i = 0; i < t->count; ++i) out.insert(out.end(), one.begin(), one.end());
      return;
    }
    case spirv::TypeKind::kStruct:
      for (const auto& member : t->members) leaf_types(module, member.type, out);
      return;
    default:
      out.insert(out.end(), leaf_count(module, type), type);
  }
}

Id add_constant(Program& program, Id type, std::uint64_t bits) {
  program.definitions.push_back({type, kNone, -1});
  Id id = program.module->bound() + static_cast<Id>(program.definitions.size()) - 1;
  spirv::Constant constant;
  constant.id = id;
  constant.type = type;
  constant.bits = bits;
  program.constants[id] = constant;
  return id;
}

void replace_values(Program& program, const std::unordered_map<Id, Id>& values) {
  auto replace = [&](Id& id) {
    for (auto it = values.find(id); it != values.end(); it = values.find(id)) id = it->second;
  };
  for (auto& block : program.blocks) {
    for (auto& phi : block.phis)
      for (auto& in : phi.incoming) replace(in.value);
    for (auto& inst : block.body)
      for (std::size_t i = 0; i < inst.args.size(); ++i)
        if (operand_is_value(inst.op, i, inst.args)) replace(inst.args[i]);
    if (block.condition) replace(block.condition);
  }
}

void remove_constructs(Program& program, const std::vector<bool>& which) {
  std::vector<std::uint32_t> place(which.size());
  std::vector<Construct> kept;
  for (std::size_t c = 0; c < which.size(); ++c) {
    place[c] = static_cast<std::uint32_t>(kept.size());
    if (!which[c]) kept.push_back(program.constructs[c]);
  }
  // What was in one that goes is in the next one around it that stays.
  const auto around = [&](std::uint32_t c) {
    while (c != kNone && which[c]) c = program.constructs[c].parent;
    return c == kNone ? kNone : place[c];
  };
  for (auto& construct : kept) construct.parent = around(construct.parent);
  for (auto& block : program.blocks) block.construct = around(block.construct);
  program.constructs = std::move(kept);
}

void remove_blocks(Program& program, const std::vector<bool>& which) {
  std::vector<std::uint32_t> place(which.size() + 1);
  std::vector<Block> kept;
  for (std::size_t b = 0; b < which.size(); ++b) {
    place[b] = static_cast<std::uint32_t>(kept.size());
    if (!which[b]) kept.push_back(std::move(program.blocks[b]));
  }
  place[which.size()] = static_cast<std::uint32_t>(kept.size());
  auto move = [&](std::uint32_t& block) {
    if (block != kNone) block = place[block];
  };
  for (auto& block : kept) {
    for (auto& to : block.targets) move(to);
    for (auto& one : block.cases) move(one.target);
    for (auto& phi : block.phis)
      for (auto& in : phi.incoming) move(in.block);
  }
  for (auto& c : program.constructs)
    for (auto* block : {&c.begin, &c.end, &c.header, &c.merge, &c.continue_target}) move(*block);
  program.blocks = std::move(kept);
}

void nest_constructs(Program& program) {
  auto& constructs = program.constructs;
  std::stable_sort(constructs.begin(), constructs.end(),
                   [](const Construct& a, const Construct& b) {
                     return a.begin != b.begin ? a.begin < b.begin : a.end > b.end;
                   });
  std::vector<std::uint32_t> open;
  for (std::uint32_t i = 0; i < constructs.size(); ++i) {
    while (!open.empty() && constructs[open.back()].end <= constructs[i].begin) open.pop_back();
    constructs[i].parent = open.empty() ? kNone : open.back();
    constructs[i].has_barrier = false;
    open.push_back(i);
    for (std::uint32_t b = constructs[i].begin; b < constructs[i].end; ++b) {
      program.blocks[b].construct = i;
      if (program.blocks[b].barrier_after) constructs[i].has_barrier = true;
    }
  }
}

}  // namespace sokr::cpu
