// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/program/folding.hpp"

#include <algorithm>
#include <unordered_map>

#include "compiler/program/queries.hpp"
#include "compiler/program/unreached.hpp"

namespace sokr::cpu {
namespace {

std::uint64_t low_bits(unsigned width) {
  return width >= 64 ? UINT64_MAX : (UINT64_C(1) << width) - 1;
}

}  // namespace

std::int64_t signed_value(std::uint64_t bits, unsigned width) {
  unsigned drop = 64 - width;
  return static_cast<std::int64_t>(bits << drop) >> drop;
}

std::optional<std::uint64_t> folded(spv::Op op, unsigned width, unsigned result_width,
                                    std::span<const std::uint64_t> in) {
  std::uint64_t a = in[0], b = in.size() > 1 ? in[1] : 0;
  std::int64_t sa = signed_value(a, width), sb = signed_value(b, width);
  auto cut = [&](std::uint64_t bits) { return bits & low_bits(result_width); };
  switch (op) {
    case spv::Op::OpCopyObject:
      return a;
    case spv::Op::OpIAdd:
      return cut(a + b);
    case spv::Op::OpISub:
      return cut(a - b);
    case spv::Op::OpIMul:
      return cut(a * b);
    case spv::Op::OpUDiv:
      if (b == 0) return std::nullopt;
      return a / b;
    case spv::Op::OpUMod:
      if (b == 0) return std::nullopt;
      return a % b;
    case spv::Op::OpSDiv:
      if (b == 0 || sb == -1) return std::nullopt;
      return cut(static_cast<std::uint64_t>(sa / sb));
    case spv::Op::OpSNegate:
      return cut(0 - a);
    case spv::Op::OpNot:
      return cut(~a);
    case spv::Op::OpBitwiseAnd:
    case spv::Op::OpLogicalAnd:
      return a & b;
    case spv::Op::OpBitwiseOr:
    case spv::Op::OpLogicalOr:
      return a | b;
    case spv::Op::OpBitwiseXor:
    case spv::Op::OpLogicalNotEqual:
      return a ^ b;
    case spv::Op::OpLogicalNot:
      return a ^ 1;
    case spv::Op::OpShiftLeftLogical:
      if (b >= width) return std::nullopt;
      return cut(a << b);
    case spv::Op::OpShiftRightLogical:
      if (b >= width) return std::nullopt;
      return a >> b;
    case spv::Op::OpShiftRightArithmetic:
      if (b >= width) return std::nullopt;
      return cut(static_cast<std::uint64_t>(sa >> b));
    case spv::Op::OpSelect:
      return a ? in[1] : in[2];
    case spv::Op::OpIEqual:
    case spv::Op::OpLogicalEqual:
      return a == b;
    case spv::Op::OpINotEqual:
      return a != b;
    case spv::Op::OpUGreaterThan:
      return a > b;
    case spv::Op::OpUGreaterThanEqual:
      return a >= b;
    case spv::Op::OpULessThan:
      return a < b;
    case spv::Op::OpULessThanEqual:
      return a <= b;
    case spv::Op::OpSGreaterThan:
      return sa > sb;
    case spv::Op::OpSGreaterThanEqual:
      return sa >= sb;
    case spv::Op::OpSLessThan:
      return sa < sb;
    case spv::Op::OpSLessThanEqual:
      return sa <= sb;
    default:
      return std::nullopt;
  }
}

Id Constants::number(Id type, std::uint64_t bits) {
  auto [it, fresh] = made_.try_emplace({type, bits}, 0);
  if (fresh) it->second = add_constant(p_, type, bits);
  return it->second;
}

std::optional<std::uint64_t> Constants::bits_of(Id id) const {
  const spirv::Constant* c = p_.constant(id);
  if (!c || c->is_undef || !c->parts.empty() || width_of(c->type) == 0) return std::nullopt;
  return c->is_null ? 0 : c->bits;
}

unsigned Constants::width_of(Id type) const {
  const spirv::Type* t = p_.module->type(type);
  if (!t) return 0;
  if (t->kind == spirv::TypeKind::kBool) return 1;
  return t->kind == spirv::TypeKind::kInt ? t->width : 0;
}

namespace {

class Folder {
 public:
  explicit Folder(Program& program) : p_(program), constants_(program) {}

  void run() {
    // Once, and once more for what comes round a loop.
    while (fold_blocks()) {
      remove_unreached(p_);
      link_predecessors(p_);
      drop_ways_not_taken(p_);
      dissolve_decided();
    }
    if (replaced_.empty() && !decided_) return;
    replace_values(p_, replaced_);
    index_definitions(p_);
    if (decided_) find_barriers();
  }

 private:
  // Those that are left.
  void find_barriers() {
    p_.has_barrier = false;
    for (Construct& one : p_.constructs) one.has_barrier = false;
    for (const Block& block : p_.blocks) {
      if (!block.barrier_after) continue;
      p_.has_barrier = true;
      for (std::uint32_t c = block.construct; c != kNone; c = p_.constructs[c].parent)
        p_.constructs[c].has_barrier = true;
    }
  }

  Id now(Id id) const {
    for (auto it = replaced_.find(id); it != replaced_.end(); it = replaced_.find(id))
      id = it->second;
    return id;
  }

  // Was a branch decided? What follows of it is seen in the same walk: phis take nothing from ways
  // that nobody comes by any more, which may decide the next branch.
  bool fold_blocks() {
    bool some = false;
    const auto count = static_cast<std::uint32_t>(p_.blocks.size());
    comes_.assign(count, false);
    jumps_.assign(count, false);
    for (std::uint32_t b = 0; b < count; ++b) {
      comes_[b] = b == 0 || std::ranges::any_of(p_.blocks[b].predecessors, [&](std::uint32_t from) {
                    return !leads_back(from, b) && may_come(from, b);
                  });
      if (!comes_[b]) continue;
      Block& block = p_.blocks[b];
      std::erase_if(block.phis, [&](const Phi& phi) { return replace(phi.id, value_of(phi, b)); });
      std::erase_if(block.body, [&](const Inst& inst) {
        return replace(inst.id, constants_.fold(inst, [&](Id id) { return now(id); }));
      });
      jumps_[b] = decide(block);
      some |= jumps_[b];
    }
    decided_ |= some;
    return some;
  }

  // From a predecessor; of one that the walk has not come to yet nothing is known.
  bool may_come(std::uint32_t from, std::uint32_t to) const {
    if (from >= to) return true;
    return comes_[from] && (!jumps_[from] || p_.blocks[from].targets[0] == to);
  }

  // Round a loop, where nobody comes who did not enter it.
  bool leads_back(std::uint32_t from, std::uint32_t to) const {
    const std::uint32_t c = p_.blocks[to].construct;
    return p_.constructs[c].kind == ConstructKind::kLoop && p_.constructs[c].header == to &&
           p_.contains(c, from);
  }

  bool replace(Id id, Id constant) {
    if (!constant) return false;
    replaced_[id] = constant;
    forget_definition(p_, id);
    return true;
  }

  // The constant that all who come bring along; 0 = there is none.
  Id value_of(const Phi& phi, std::uint32_t block) {
    std::optional<std::uint64_t> all;
    for (const Incoming& in : phi.incoming) {
      if (!may_come(in.block, block)) continue;
      const Id value = now(in.value);
      if (value == phi.id) continue;
      const auto bits = constants_.bits_of(value);
      if (!bits || (all && *all != *bits)) return 0;
      all = bits;
    }
    return all ? constants_.number(phi.type, *all) : 0;
  }

  bool decide(Block& block) {
    if (block.exit != Exit::kBranch && block.exit != Exit::kSwitch) return false;
    const auto on = constants_.bits_of(now(block.condition));
    if (!on) return false;
    std::uint32_t target = block.targets[0];
    if (block.exit == Exit::kBranch) {
      target = block.targets[*on != 0 ? 0 : 1];
    } else if (const auto found = std::ranges::find(block.cases, *on, &Case::literal);
               found != block.cases.end()) {
      target = found->target;
    }
    block.exit = Exit::kJump;
    block.condition = 0;
    block.targets = {target};
    block.cases.clear();
    return true;
  }

  // A selection that chooses no more is ordinary code, if all who leave it do so at its end.
  void dissolve_decided() {
    std::vector<bool> gone(p_.constructs.size(), false);
    for (std::uint32_t c = static_cast<std::uint32_t>(gone.size()); c-- > 1;) {
      const Construct& one = p_.constructs[c];
      if ((one.kind != ConstructKind::kSelection && one.kind != ConstructKind::kSwitch) ||
          p_.blocks[one.header].exit != Exit::kJump || p_.blocks[one.header].construct != c ||
          one.merge >= p_.blocks.size())
        continue;
      const auto& from = p_.blocks[one.merge].predecessors;
      const auto is_inside = [&](std::uint32_t b) { return p_.contains(c, b); };
      if (std::ranges::count_if(from, is_inside) != 1) continue;
      const Block& last = p_.blocks[*std::ranges::find_if(from, is_inside)];
      std::uint32_t around = last.construct;  // inner ones come first
      while (gone[around]) around = p_.constructs[around].parent;
      gone[c] = around == c && last.exit == Exit::kJump;
    }
    remove_constructs(p_, gone);
  }

  Program& p_;
  Constants constants_;
  std::unordered_map<Id, Id> replaced_;
  bool decided_ = false;
  std::vector<bool> comes_, jumps_;  // by block: may anybody come, was its branch decided
};

}  // namespace

void fold_constants(Program& program) {
  Folder(program).run();
}

}  // namespace sokr::cpu
