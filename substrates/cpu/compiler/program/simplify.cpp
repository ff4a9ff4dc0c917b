// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Fewer and larger blocks: short branches without effects become selections of values, and
// what always follows one another becomes one block. `a && b` in a shading language is such a
// branch; as a value, it is a condition that the rest of the compiler can look into.
#include <spirv/unified1/GLSL.std.450.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <unordered_map>

#include "compiler/program/program.hpp"
#include "compiler/program/queries.hpp"

namespace sokr::cpu {
namespace {

constexpr std::size_t kMaxSpeculated = 8;

class Simplifier {
 public:
  explicit Simplifier(Program& program) : p_(program) {}

  void run() {
    dead_.assign(p_.blocks.size(), false);
    gone_.assign(p_.constructs.size(), false);
    dissolve_calls();
    index_definitions(p_);
    for (std::uint32_t b = 0; b < p_.blocks.size(); ++b)
      while (!dead_[b] && (convert(b) || append(b))) {
      }
    for (std::uint32_t b = 0; b < p_.blocks.size(); ++b)
      if (!dead_[b]) bypass(b);
    replace_values(p_, replaced_);
    remove_constructs(p_, gone_);
    remove_blocks(p_, dead_);
    link_predecessors(p_);
    index_definitions(p_);
  }

 private:
  Id now(Id id) const {
    for (auto it = replaced_.find(id); it != replaced_.end(); it = replaced_.find(id))
      id = it->second;
    return id;
  }

  std::uint32_t next(std::uint32_t b) const {
    do {
      ++b;
    } while (b < dead_.size() && dead_[b]);
    return b;
  }

  // A call that returns at its end only is ordinary code.
  void dissolve_calls() {
    for (std::size_t c = 1; c < p_.constructs.size(); ++c) {
      const Construct& call = p_.constructs[c];
      if (call.kind != ConstructKind::kFunction || call.merge != call.end) continue;
      const auto& from = p_.blocks[call.merge].predecessors;
      const Block& last = p_.blocks[call.end - 1];
      if (from.size() != 1 || from[0] != call.end - 1 || last.exit != Exit::kJump ||
          last.construct != c)
        continue;
      gone_[c] = true;
      for (std::uint32_t b = call.begin; b < call.end; ++b)
        if (p_.blocks[b].construct == c) p_.blocks[b].construct = call.parent;
      for (auto& inner : p_.constructs)
        if (inner.parent == c) inner.parent = call.parent;
    }
  }

  // Is the block's place of meaning to a construct other than `besides`?
  bool is_marked(std::uint32_t block, std::uint32_t besides) const {
    for (std::uint32_t c = 0; c < p_.constructs.size(); ++c) {
      const Construct& one = p_.constructs[c];
      if (gone_[c] || c == besides) continue;
      if (one.merge == block || one.continue_target == block) return true;
      if (one.kind == ConstructKind::kLoop && one.header == block) return true;
    }
    return false;
  }

  // Such a block begins no construct but its loop: its mask is the loop's.
  bool is_loop_header(std::uint32_t block) const {
    for (std::uint32_t c = p_.blocks[block].construct; c != kNone; c = p_.constructs[c].parent)
      if (!gone_[c] && p_.constructs[c].kind == ConstructKind::kLoop &&
          p_.constructs[c].header == block)
        return true;
    return false;
  }

  bool is_cheap(const Inst& inst) const {
    switch (inst.op) {
      case spv::Op::OpAccessChain:
      case spv::Op::OpInBoundsAccessChain:
      case spv::Op::OpCompositeExtract:
      case spv::Op::OpCompositeConstruct:
      case spv::Op::OpIAdd:
      case spv::Op::OpISub:
      case spv::Op::OpIMul:
      case spv::Op::OpFAdd:
      case spv::Op::OpFSub:
      case spv::Op::OpFMul:
      case spv::Op::OpFNegate:
      case spv::Op::OpSNegate:
      case spv::Op::OpSelect:
      case spv::Op::OpBitcast:
        return true;
      case spv::Op::OpExtInst:
        return p_.module->instruction_set(inst.args[0]) == spirv::InstructionSet::kGlslStd450 &&
               is_cheap_ext(inst.args[1]);
      case spv::Op::OpLoad: {
        const spirv::Variable* root = p_.module->variable(root_of(p_, now(inst.args[0])));
        if (root && root->storage == spv::StorageClass::PushConstant)
          return is_inside(now(inst.args[0]));
        return root && root->builtin;
      }
      default:
        break;
    }
    return (inst.op >= spv::Op::OpLogicalEqual && inst.op <= spv::Op::OpFUnordGreaterThanEqual) ||
           (inst.op >= spv::Op::OpShiftRightLogical && inst.op <= spv::Op::OpNot);
  }

  // May everybody load it, whoever asked for it? What is not, the source may keep others from, and
  // without checks of bounds nothing else does.
  bool is_inside(Id pointer) const {
    for (pointer = look_through(p_, pointer);;) {
      const Inst* chain = p_.inst(pointer);
      if (!chain) return true;
      const Id base = look_through(p_, now(chain->args[0]));
      const spirv::Type* from = p_.module->type(p_.type_of(base));
      Id type = from ? from->element : 0;
      for (std::size_t i = 1; i < chain->args.size(); ++i) {
        const spirv::Constant* index = p_.constant(now(chain->args[i]));
        const spirv::Type* whole = p_.module->type(type);
        if (!index || !whole ||
            index->bits >= (whole->members.empty() ? whole->count : whole->members.size()))
          return false;
        type = element_type(*p_.module, type, static_cast<std::uint32_t>(index->bits));
      }
      pointer = base;
    }
  }

  static bool is_cheap_ext(std::uint32_t which) {
    switch (which) {
      case GLSLstd450FAbs:
      case GLSLstd450SAbs:
      case GLSLstd450Floor:
      case GLSLstd450Ceil:
      case GLSLstd450Trunc:
      case GLSLstd450Fma:
        return true;
      default:
        return which >= GLSLstd450FMin && which <= GLSLstd450SClamp;
    }
  }

  // Only on the way from `from` to `to`, short, and without effects?
  bool is_bypass(std::uint32_t b, std::uint32_t from, std::uint32_t to, std::uint32_t c) const {
    const Block& block = p_.blocks[b];
    if (block.construct != c || block.exit != Exit::kJump || block.targets[0] != to ||
        block.barrier_after || block.predecessors != std::vector{from} || !block.phis.empty() ||
        block.body.size() > kMaxSpeculated)
      return false;
    return std::all_of(block.body.begin(), block.body.end(),
                       [&](const Inst& inst) { return is_cheap(inst); });
  }

  bool is_selectable(Id type) const {
    const spirv::Type* t = p_.module->type(type);
    return t && (t->kind == spirv::TypeKind::kBool || t->kind == spirv::TypeKind::kInt ||
                 t->kind == spirv::TypeKind::kFloat || t->kind == spirv::TypeKind::kVector);
  }

  // A selection of one or two short ways.
  bool convert(std::uint32_t a) {
    Block& head = p_.blocks[a];
    std::uint32_t s = head.construct;
    const Construct& selection = p_.constructs[s];
    if (head.exit != Exit::kBranch || head.barrier_after || gone_[s] ||
        selection.kind != ConstructKind::kSelection || selection.begin != a)
      return false;
    std::uint32_t merge = selection.merge;
    if (selection.end != merge || merge >= p_.blocks.size() || is_marked(merge, s)) return false;
    if (p_.blocks[merge].predecessors.size() != 2) return false;
    if (is_loop_header(a) && p_.blocks[merge].construct != selection.parent) return false;
    std::vector<std::uint32_t> ways;
    for (std::uint32_t b = next(a); b < merge; b = next(b)) ways.push_back(b);
    if (ways.empty() || ways.size() > 2) return false;
    for (auto b : ways)
      if (!is_bypass(b, a, merge, s)) return false;
    for (const auto& phi : p_.blocks[merge].phis)
      if (!is_selectable(phi.type) || phi.incoming.size() != 2) return false;
    std::uint32_t from_yes = head.targets[0] == merge ? a : head.targets[0];
    const std::size_t own = head.body.size();
    for (auto b : ways) {
      auto& body = p_.blocks[b].body;
      std::move(body.begin(), body.end(), std::back_inserter(head.body));
      body.clear();
      dead_[b] = true;
    }
    Id condition = now(head.condition);
    for (const auto& phi : p_.blocks[merge].phis) {
      bool first = phi.incoming[0].block == from_yes;
      head.body.push_back(selected(phi, condition, now(phi.incoming[first ? 0 : 1].value),
                                   now(phi.incoming[first ? 1 : 0].value)));
    }
    p_.blocks[merge].phis.clear();
    index_body(p_, a, own);
    gone_[s] = true;
    take_over(a, merge, selection.parent);
    return true;
  }

  std::optional<bool> truth(Id id) const {
    const spirv::Constant* c = p_.constant(id);
    if (!c || c->is_undef) return std::nullopt;
    return !c->is_null && c->bits != 0;
  }

  // condition ? yes : no, with logical operations where that is what it means.
  Inst selected(const Phi& phi, Id condition, Id yes, Id no) const {
    const Inst* inverse = p_.inst(condition);
    if (inverse && inverse->op == spv::Op::OpLogicalNot) {
      condition = now(inverse->args[0]);
      std::swap(yes, no);
    }
    Inst out;
    out.op = spv::Op::OpSelect;
    out.type = phi.type;
    out.id = phi.id;
    out.origin = phi.origin;
    out.args = {condition, yes, no};
    const spirv::Type* type = p_.module->type(phi.type);
    if (type->kind != spirv::TypeKind::kBool) return out;
    if (no == condition || truth(no) == false) {
      out.op = spv::Op::OpLogicalAnd;
      out.args = {condition, yes};
    } else if (yes == condition || truth(yes) == true) {
      out.op = spv::Op::OpLogicalOr;
      out.args = {condition, no};
    }
    return out;
  }

  // The only successor of a block whose only predecessor that is.
  bool append(std::uint32_t a) {
    Block& head = p_.blocks[a];
    if (head.exit != Exit::kJump || head.barrier_after || head.targets.size() != 1) return false;
    std::uint32_t b = head.targets[0];
    if (b != next(a) || p_.blocks[b].predecessors != std::vector{a} || b + 1 == p_.blocks.size() ||
        is_marked(b, kNone))
      return false;
    std::uint32_t c = p_.blocks[b].construct;
    bool opens = c != head.construct && p_.constructs[c].begin == b &&
                 p_.constructs[c].parent == head.construct &&
                 p_.constructs[c].kind != ConstructKind::kLoop &&
                 p_.constructs[c].kind != ConstructKind::kFunction;
    if (c != head.construct && (!opens || is_loop_header(a))) return false;
    for (const auto& phi : p_.blocks[b].phis) {
      if (phi.incoming.size() != 1) return false;
      replaced_[phi.id] = phi.incoming[0].value;
      forget_definition(p_, phi.id);
    }
    p_.blocks[b].phis.clear();
    take_over(a, b, head.construct);
    return true;
  }

  // An empty side of a selection: the branch leads to the merge block itself.
  void bypass(std::uint32_t a) {
    Block& head = p_.blocks[a];
    if (head.exit != Exit::kBranch || gone_[head.construct]) return;
    const Construct& c = p_.constructs[head.construct];
    if (c.kind != ConstructKind::kSelection || c.header != a || c.merge == kNone) return;
    for (std::size_t side = 0; side < 2; ++side) {
      const std::uint32_t b = head.targets[side], other = head.targets[1 - side];
      const Block& side_block = p_.blocks[b];
      Block& merge = p_.blocks[c.merge];
      const bool empty =
          b != other && other != c.merge && b != c.merge && !dead_[b] && side_block.body.empty() &&
          side_block.phis.empty() && side_block.exit == Exit::kJump && !side_block.barrier_after &&
          side_block.construct == head.construct && side_block.predecessors == std::vector{a} &&
          side_block.targets[0] == c.merge && !is_marked(b, kNone) &&
          std::ranges::find(merge.predecessors, a) == merge.predecessors.end();
      if (!empty) continue;
      head.targets[side] = c.merge;
      std::ranges::replace(merge.predecessors, b, a);
      for (auto& phi : merge.phis)
        for (auto& in : phi.incoming)
          if (in.block == b) in.block = a;
      dead_[b] = true;
      return;
    }
  }

  // Block `b` becomes the end of block `a`, which is then in `construct` or in what `b` opens.
  void take_over(std::uint32_t a, std::uint32_t b, std::uint32_t construct) {
    Block &head = p_.blocks[a], &tail = p_.blocks[b];
    const std::size_t own = head.body.size();
    std::move(tail.body.begin(), tail.body.end(), std::back_inserter(head.body));
    tail.body.clear();
    index_body(p_, a, own);
    head.exit = tail.exit;
    head.condition = tail.condition;
    head.targets = std::move(tail.targets);
    head.cases = std::move(tail.cases);
    head.barrier_after = tail.barrier_after;
    std::uint32_t old = head.construct;
    head.construct = tail.construct;
    for (std::uint32_t c = 0; c < p_.constructs.size(); ++c) {
      Construct& one = p_.constructs[c];
      if (gone_[c]) continue;
      if (one.parent == old && gone_[old]) one.parent = construct;
      if (one.begin == b) one.begin = a;
      if (one.header == b) one.header = a;
    }
    dead_[b] = true;
    auto hand_over = [&](std::uint32_t to) {
      auto& from = p_.blocks[to].predecessors;
      std::replace(from.begin(), from.end(), b, a);
      for (auto& phi : p_.blocks[to].phis)
        for (auto& in : phi.incoming)
          if (in.block == b) in.block = a;
    };
    for (auto to : head.targets) hand_over(to);
    for (const auto& one : head.cases) hand_over(one.target);
  }

  Program& p_;
  std::vector<bool> dead_, gone_;
  std::unordered_map<Id, Id> replaced_;
};

}  // namespace

void simplify(Program& program) {
  Simplifier(program).run();
}

}  // namespace sokr::cpu
