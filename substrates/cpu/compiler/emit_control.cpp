// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>
#include <unordered_set>

#include "compiler/emitter.hpp"
#include "compiler/support.hpp"
#include "compiler/transfer.hpp"

namespace sokr::cpu {

void Emitter::open_guard(Guard& guard) {
  LlvmValue* some = any(mask_);
  if (auto* known = llvm::dyn_cast<llvm::ConstantInt>(some); known && known->isOne()) return;
  BasicBlock* body = BasicBlock::Create(cx_, "some", fn_);
  guard.skip = BasicBlock::Create(cx_, "none", fn_);
  branch(some, body, guard.skip);
  b_.SetInsertPoint(body);
  guard.scope = open_scope();
}

void Emitter::close_guard(Guard& guard) {
  if (!guard.skip) return;
  jump(guard.skip);
  b_.SetInsertPoint(guard.skip);
  close_scope(guard.scope);
  scopes_.pop_back();
  guard.skip = nullptr;
}

Divergence Emitter::tail_divergence() const {
  return is_full(entry_mask_) ? Divergence{} : divergence_of(entry_mask_.s);
}

// The outermost construct inside `construct` that begins at `block`; kNone = none.
std::uint32_t Emitter::item_at(std::uint32_t block, std::uint32_t construct) const {
  std::uint32_t found = kNone;
  for (std::uint32_t c = p_.blocks[block].construct; c != kNone && c != construct;
       c = p_.constructs[c].parent)
    if (p_.constructs[c].begin == block) found = c;
  return found;
}

BasicBlock* Emitter::block_label(std::uint32_t block) {
  if (labels_.empty()) labels_.resize(p_.blocks.size());
  if (!labels_[block]) labels_[block] = BasicBlock::Create(cx_, "b" + std::to_string(block), fn_);
  return labels_[block];
}

void Emitter::load_phis(std::uint32_t block) {
  for (const auto& phi : p_.blocks[block].phis) {
    auto it = phi_slots_.find(phi.id);
    if (it == phi_slots_.end()) continue;
    Leaves leaves;
    for (const auto& slot : it->second) leaves.push_back(load_slot(slot));
    set(phi.id, std::move(leaves));
  }
}

// Values of the phis of `to` for those who come from `from`. All are read before any
// is written: phis of one block change at once.
void Emitter::phi_edge(std::uint32_t from, std::uint32_t to, const Val& mask) {
  const Block& target = p_.blocks[to];
  bool split = is_split(p_.blocks[to].construct) || region_[from] != region_[to];
  bool blend = split || phi_divergence(p_, a_, to);
  // Who comes first finds nothing to keep, unless others left a loop in rounds before.
  if (blend && !split && !target.predecessors.empty() && target.predecessors.front() == from &&
      innermost_loop(p_, from) == innermost_loop(p_, to))
    blend = false;
  std::vector<std::pair<const Slots*, Leaves>> writes;
  for (const auto& phi : target.phis) {
    auto it = phi_slots_.find(phi.id);
    if (it == phi_slots_.end()) continue;
    for (const auto& in : phi.incoming)
      if (in.block == from) writes.emplace_back(&it->second, get(in.value));
  }
  for (auto& [slots, leaves] : writes)
    for (std::size_t i = 0; i < slots->size() && i < leaves.size(); ++i)
      store_slot((*slots)[i], leaves[i], blend ? &mask : nullptr);
}

void Emitter::emit_body(std::uint32_t block) {
  block_ = block;
  load_phis(block);
  for (const auto& inst : p_.blocks[block].body) {
    emit_inst(inst);
    if (failure_) return;
  }
}

void Emitter::emit_range(std::uint32_t construct) {
  if (is_divergent(construct)) {
    emit_divergent(construct);
  } else {
    note_construct(construct, "together: branches");
    emit_uniform(construct);
  }
}

// ---- Together ---------------------------------------------------------------------------

void Emitter::emit_uniform(std::uint32_t root) {
  const Construct& construct = p_.constructs[root];
  std::uint32_t scope = open_scope();
  Val mask = mask_;
  BasicBlock* leave = BasicBlock::Create(cx_, "leave", fn_);
  // The construct around may have used the label already, to get here.
  if (!labels_.empty()) labels_[construct.begin] = nullptr;
  const bool comes_back =
      std::ranges::any_of(p_.blocks[construct.begin].predecessors,
                          [&](std::uint32_t from) { return p_.contains(root, from); });
  if (comes_back)
    jump(block_label(construct.begin));
  else
    b_.CreateBr(block_label(construct.begin));
  for (std::uint32_t b = construct.begin; b < construct.end && !failure_;) {
    if (b != construct.begin && p_.blocks[b].predecessors.empty()) {
      ++b;
      continue;
    }
    b_.SetInsertPoint(block_label(b));
    mask_ = mask;
    std::uint32_t parting = kNone;
    for (std::uint32_t c = p_.blocks[b].construct; c != root; c = p_.constructs[c].parent)
      if (p_.constructs[c].begin == b && is_divergent(c)) parting = c;
    if (parting != kNone) {
      const Construct& inner = p_.constructs[parting];
      emit_divergent(parting);
      bool inside = inner.merge < construct.end && !p_.blocks[inner.merge].predecessors.empty();
      bool only_way =
          inside && inner.merge == inner.end &&
          std::ranges::all_of(p_.blocks[inner.merge].predecessors,
                              [&](std::uint32_t from) { return p_.contains(parting, from); });
      if (only_way)
        b_.CreateBr(block_label(inner.merge));
      else
        jump(inside ? block_label(inner.merge) : leave);
      b = inner.end;
      continue;
    }
    std::uint32_t loop = innermost_loop(p_, b);
    if (loop != kNone && p_.constructs[loop].header == b && p_.contains(root, b)) {
      block_ = b;
      reset_slots_of(loop);
    }
    emit_body(b);
    emit_exit_uniform(b, root, leave);
    ++b;
  }
  b_.SetInsertPoint(leave);
  mask_ = mask;
  close_scope(scope);
  scopes_.pop_back();
}

void Emitter::uniform_edge(std::uint32_t from, std::uint32_t to, std::uint32_t root,
                           BasicBlock* leave) {
  keep_loads_ = false;
  phi_edge(from, to, mask_);
  keep_loads_ = true;
  if (!p_.contains(root, to)) {
    add_mask(to, mask_);
    jump(leave);
    return;
  }
  if (to <= from && needs_abort_check(innermost_loop(p_, to))) emit_abort_check();
  if (to == from + 1 && p_.blocks[to].predecessors.size() == 1)
    b_.CreateBr(block_label(to));
  else
    jump(block_label(to));
}

void Emitter::emit_exit_uniform(std::uint32_t block, std::uint32_t root, BasicBlock* leave) {
  if (failure_) return;
  const Block& source = p_.blocks[block];
  if (source.exit == Exit::kEnd) {
    jump(leave);
    return;
  }
  if (source.exit == Exit::kJump) return uniform_edge(block, source.targets[0], root, leave);
  LlvmValue* condition = base_of(get(source.condition)[0], 0);
  settle_held();
  auto edge = [&](std::uint32_t to) {
    BasicBlock* label = BasicBlock::Create(cx_, "edge", fn_);
    llvm::IRBuilder<>::InsertPointGuard place(b_);
    b_.SetInsertPoint(label);
    uniform_edge(block, to, root, leave);
    return label;
  };
  if (source.exit == Exit::kBranch) {
    BasicBlock* yes = edge(source.targets[0]);
    BasicBlock* no = edge(source.targets[1]);
    b_.CreateCondBr(condition, yes, no);
    return;
  }
  std::unordered_map<std::uint32_t, BasicBlock*> labels;
  auto label = [&](std::uint32_t to) {
    auto [it, fresh] = labels.try_emplace(to, nullptr);
    if (fresh) it->second = edge(to);
    return it->second;
  };
  BasicBlock* otherwise = label(source.targets[0]);
  llvm::SwitchInst* choice = b_.CreateSwitch(condition, otherwise);
  auto* type = llvm::cast<llvm::IntegerType>(condition->getType());
  std::unordered_set<std::uint64_t> seen;  // LLVM's own sets cannot hold 2^64 - 1
  for (const auto& one : source.cases) {
    llvm::APInt literal = llvm::APInt(64, one.literal).zextOrTrunc(type->getBitWidth());
    if (seen.insert(literal.getZExtValue()).second)
      choice->addCase(llvm::ConstantInt::get(cx_, literal), label(one.target));
  }
}

// ---- Parted -----------------------------------------------------------------------------

void Emitter::make_mask_slots(std::uint32_t construct) {
  const Construct& c = p_.constructs[construct];
  std::uint32_t before = c.begin;
  for (std::uint32_t b = c.begin; b < c.end;) {
    std::uint32_t item = item_at(b, construct);
    bool loop_header = c.kind == ConstructKind::kLoop && b == c.header;
    bool wanted = b != c.begin && (!mask_known_[b] || is_split(construct)) &&
                  !(is_split(construct) && goes_on(construct, before, b));
    before = b;
    if (loop_header || (wanted && !p_.blocks[b].predecessors.empty())) {
      auto [it, fresh] = mask_slots_.try_emplace(b);
      if (fresh)
        it->second = make_slot(shape_of(merged(a_.masks[b], tail_divergence())), b_.getInt1Ty(),
                               is_split(construct));
      reset_slot(it->second);
    }
    b = item == kNone || item == construct ? b + 1 : p_.constructs[item].end;
  }
}

void Emitter::add_mask(std::uint32_t block, const Val& mask) {
  if (!mask_known_[block]) add_mask_to(block, mask);
}

void Emitter::add_mask_to(std::uint32_t block, const Val& mask) {
  auto it = mask_slots_.find(block);
  if (it == mask_slots_.end() || !keeps_mask(block)) return;
  Val sum = mask_or(load_slot(it->second), mask);
  store_slot(it->second, sum, nullptr);
}

void Emitter::emit_divergent(std::uint32_t construct) {
  note_construct(construct, "parted: one block after the other under masks");
  const Construct& c = p_.constructs[construct];
  Val saved = mask_;
  if (c.kind != ConstructKind::kLoop) {
    make_mask_slots(construct);
    mask_ = saved;
    emit_divergent_items(construct);
    mask_ = saved;
    return;
  }
  make_mask_slots(construct);
  const Slot live = mask_slots_[c.header];
  store_slot(live, saved, nullptr);
  BasicBlock* loop = BasicBlock::Create(cx_, "loop", fn_);
  BasicBlock* leave = BasicBlock::Create(cx_, "left", fn_);
  if (goes_round_together(construct)) {
    emit_together_loop(construct, live, loop, leave);
  } else {
    jump(loop);
  }
  b_.SetInsertPoint(loop);
  Cold parted(*this);
  std::uint32_t scope = open_scope();
  block_ = c.header;
  reset_slots_of(construct);
  Val mask = load_slot(live);
  make_mask_slots(construct);
  mask_ = mask;
  emit_divergent_items(construct);
  if (needs_abort_check(construct)) emit_abort_check();
  branch(any(load_slot(live)), loop, leave);
  close_scope(scope);
  scopes_.pop_back();
  b_.SetInsertPoint(leave);
  mask_ = saved;
}

void Emitter::emit_divergent_items(std::uint32_t construct) {
  chain_.block = kNone;
  emit_divergent_items(construct, p_.constructs[construct].begin);
}

// From block `first` on, whose mask is at hand or in chain_.
void Emitter::emit_divergent_items(std::uint32_t construct, std::uint32_t first) {
  const Construct& c = p_.constructs[construct];
  std::vector<Guard> guards;  // innermost last
  auto close = [&] {
    for (; !guards.empty(); guards.pop_back()) close_guard(guards.back());
  };
  for (std::uint32_t b = first; b < c.end && !failure_;) {
    std::uint32_t item = item_at(b, construct);
    std::uint32_t end = item == kNone ? b + 1 : p_.constructs[item].end;
    if (b != c.begin) {
      if (p_.blocks[b].predecessors.empty()) {
        b = end;
        continue;
      }
      bool entered = chain_.block != b || chain_.narrower;
      if (chain_.block == b) {
        mask_ = chain_.mask;
      } else {
        close();
        auto slot = mask_slots_.find(b);
        if (slot == mask_slots_.end()) {
          internal_error(fmt::format("block {} has no mask", b));
          return;
        }
        mask_ = load_slot(slot->second);
      }
      if (entered && needs_guard(b, end)) open_guard(guards.emplace_back());
    }
    chain_.block = kNone;
    if (item == kNone) {
      emit_body(b);
      std::uint32_t on = way_on(construct, b);
      if (guards.empty() && on != kNone && is_made_twice(construct, b))
        return emit_both_ways(construct, kNone, b, on);
      emit_exit_divergent(b);
    } else if (std::uint32_t past = way_past(item);
               guards.empty() && past != kNone && a_.escapes[item] && is_divergent(item) &&
               end == past && p_.contains(construct, past) && is_made_twice(construct, b)) {
      emit_body(b);
      return emit_both_ways(construct, item, b, past);
    } else {
      Val mask = mask_;
      emit_range(item);
      mask_ = mask;
      chain_.block = kNone;
      if (!a_.escapes[item]) chain_ = {p_.constructs[item].merge, mask, false};
    }
    b = end;
  }
  close();
}

void Emitter::edge_divergent(std::uint32_t from, std::uint32_t to, const Val& mask) {
  phi_edge(from, to, mask);
  Exit exit = p_.blocks[from].exit;
  if (to == from + 1 && p_.blocks[to].predecessors.size() == 1 &&
      (exit == Exit::kJump || exit == Exit::kBranch) &&
      p_.contains(p_.blocks[from].construct, to) && !is_split(p_.blocks[from].construct))
    chain_ = {to, mask, exit == Exit::kBranch};
  else
    add_mask(to, mask);
}

Val Emitter::equals(const Val& selector, std::uint64_t literal) {
  return apply(shape_of(divergence_of(selector.s)), {&selector}, [&](llvm::ArrayRef<LlvmValue*> v) {
    return b_.CreateICmpEQ(v[0], integer_like(v[0]->getType(), literal));
  });
}

void Emitter::emit_exit_divergent(std::uint32_t block) {
  if (failure_) return;
  const Block& source = p_.blocks[block];
  if (source.exit == Exit::kEnd) return;
  if (source.exit == Exit::kJump) return edge_divergent(block, source.targets[0], mask_);
  Val condition = get(source.condition)[0];
  Val here = mask_;
  if (source.exit == Exit::kBranch) {
    Val yes = mask_and(here, condition);
    Val no = mask_and(here, mask_not(condition));
    edge_divergent(block, source.targets[0], yes);
    edge_divergent(block, source.targets[1], no);
    return;
  }
  std::vector<std::pair<std::uint32_t, Val>> targets;
  Val rest = here;
  for (const auto& one : source.cases) {
    Val hit = equals(condition, one.literal);
    rest = mask_and(rest, mask_not(hit));
    hit = mask_and(here, hit);
    auto same = std::find_if(targets.begin(), targets.end(),
                             [&](const auto& t) { return t.first == one.target; });
    if (same == targets.end())
      targets.emplace_back(one.target, hit);
    else
      same->second = mask_or(same->second, hit);
  }
  targets.emplace_back(source.targets[0], rest);
  for (const auto& [to, mask] : targets) edge_divergent(block, to, mask);
}

// ---- Judgement ----------------------------------------------------------------------------

// Cheap code without effects runs for nobody rather than be branched around.
bool Emitter::needs_guard(std::uint32_t begin, std::uint32_t end) {
  std::size_t cost = 0;
  for (std::uint32_t b = begin; b < end; ++b) {
    std::uint32_t loop = innermost_loop(p_, b);
    if (loop != kNone && p_.constructs[loop].begin >= begin) return true;
    for (const auto& inst : p_.blocks[b].body) {
      switch (inst.op) {
        case spv::Op::OpAccessChain:
        case spv::Op::OpInBoundsAccessChain:
        case spv::Op::OpCompositeExtract:
        case spv::Op::OpCompositeConstruct:
        case spv::Op::OpBitcast:
          break;
        case spv::Op::OpFAdd:
        case spv::Op::OpFSub:
        case spv::Op::OpFMul:
        case spv::Op::OpIAdd:
        case spv::Op::OpISub:
        case spv::Op::OpSelect:
        case spv::Op::OpFNegate:
        case spv::Op::OpLogicalAnd:
        case spv::Op::OpLogicalOr:
        case spv::Op::OpLogicalNot:
        case spv::Op::OpBitwiseAnd:
        case spv::Op::OpBitwiseOr:
        case spv::Op::OpBitwiseXor:
        case spv::Op::OpNot:
        case spv::Op::OpConvertSToF:
        case spv::Op::OpConvertUToF:
          cost += 1;
          break;
        default:
          if (is_fused(inst.op)) {
            cost += 1;
            break;
          }
          if (!is_patterned_store(inst, begin)) return true;
      }
    }
  }
  return cost * g_.chunks > 8;
}

// Does the pointer lead to the same place in every round?
bool Emitter::is_led_from_outside(std::uint32_t loop, Id pointer) const {
  for (const Inst* chain = p_.inst(look_through(p_, pointer)); chain;
       chain = p_.inst(look_through(p_, chain->args[0])))
    for (std::size_t i = 1; i < chain->args.size(); ++i) {
      const Definition* def = p_.definition(chain->args[i]);
      const Inst* sum = p_.inst(chain->args[i]);
      if (!def || def->block == kNone || !p_.contains(loop, def->block)) continue;
      // A sum of what is outside.
      if (!sum || sum->op != spv::Op::OpIAdd) return false;
      for (Id part : sum->args) {
        const Definition* d = p_.definition(part);
        if (d && d->block != kNone && p_.contains(loop, d->block)) return false;
      }
    }
  return true;
}

// A loop that counts up to something fixed, with no loop inside, ends by itself.
bool Emitter::needs_abort_check(std::uint32_t loop) const {
  if (!o_.abort_checks || loop == kNone) return false;
  const Construct& c = p_.constructs[loop];
  for (const auto& other : p_.constructs)
    if (other.kind == ConstructKind::kLoop && other.begin > c.begin && other.end <= c.end)
      return true;
  auto outside = [&](Id id) {
    const Definition* def = p_.definition(id);
    if (!def || def->block == kNone || !p_.contains(loop, def->block)) return true;
    const Inst* load = p_.inst(id);
    const spirv::Variable* root = load && load->op == spv::Op::OpLoad
                                      ? p_.module->variable(root_of(p_, load->args[0]))
                                      : nullptr;
    if (!root) return false;
    if (root->storage == spv::StorageClass::PushConstant) return true;
    return keeps_values(*p_.module, *root, o_.assume_no_alias) &&
           is_led_from_outside(loop, load->args[0]);
  };
  auto counts = [&](Id id) {
    const Phi* phi = p_.phi(id);
    if (!phi) {
      const Inst* step = p_.inst(id);
      if (!step || step->op != spv::Op::OpIAdd || !p_.constant(step->args[1])) return false;
      phi = p_.phi(step->args[0]);
    }
    if (!phi || p_.definition(phi->id)->block != c.header) return false;
    for (const auto& in : phi->incoming) {
      const Inst* step = p_.inst(in.value);
      if (step && step->op == spv::Op::OpIAdd && step->args[0] == phi->id) {
        const spirv::Constant* by = p_.constant(step->args[1]);
        if (by && by->bits != 0 && !by->is_null) return true;
      }
    }
    return false;
  };
  for (std::uint32_t b = c.begin; b < c.end; ++b) {
    const Block& block = p_.blocks[b];
    if (block.exit != Exit::kBranch) continue;
    if (block.targets[0] != c.merge && block.targets[1] != c.merge) continue;
    const Inst* test = p_.inst(block.condition);
    if (!test || test->args.size() != 2) continue;
    bool compares = test->op >= spv::Op::OpUGreaterThan && test->op <= spv::Op::OpSLessThanEqual;
    if (compares && ((counts(test->args[0]) && outside(test->args[1])) ||
                     (counts(test->args[1]) && outside(test->args[0]))))
      return false;
  }
  return true;
}

}  // namespace sokr::cpu
