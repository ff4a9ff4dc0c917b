// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/emit/control/flow.hpp"

#include <algorithm>
#include <unordered_set>

#include "compiler/analysis/endings.hpp"
#include "compiler/analysis/transfer.hpp"
#include "compiler/codegen/llvm_versions.hpp"

namespace sokr::cpu {

void Flow::open_guard(Guard& guard) {
  LlvmValue* some = b_.any(at_.mask);
  if (auto* known = llvm::dyn_cast<llvm::ConstantInt>(some); known && known->isOne()) return;
  BasicBlock* body = BasicBlock::Create(cx_, "some", at_.function);
  guard.skip = BasicBlock::Create(cx_, "none", at_.function);
  branches_.branch(some, body, guard.skip);
  b_.SetInsertPoint(body);
  guard.scope = values_.open_scope();
}

void Flow::close_guard(Guard& guard) {
  if (!guard.skip) return;
  branches_.jump(guard.skip);
  b_.SetInsertPoint(guard.skip);
  values_.close_scope(guard.scope);
  guard.skip = nullptr;
}

Divergence Flow::tail_divergence() const {
  return b_.is_full(at_.entry_mask) ? Divergence{} : divergence_of(at_.entry_mask.s);
}

BasicBlock* Flow::block_label(std::uint32_t block) {
  if (labels_.empty()) labels_.resize(p_.blocks.size());
  if (!labels_[block])
    labels_[block] = BasicBlock::Create(cx_, "b" + std::to_string(block), at_.function);
  return labels_[block];
}

const Slot* Flow::find_mask_slot(std::uint32_t block) const {
  const auto found = mask_slots_.find(block);
  return found == mask_slots_.end() ? nullptr : &found->second;
}

void Flow::load_phis(std::uint32_t block) {
  for (const auto& phi : p_.blocks[block].phis) {
    const Slots* slots = values_.phi_slots(phi.id);
    if (!slots) continue;
    Leaves leaves;
    for (const auto& slot : *slots) leaves.push_back(values_.load_slot(slot));
    values_.set(phi.id, std::move(leaves));
  }
}

// Values of the phis of `to` for those who come from `from`. All are read before any
// is written: phis of one block change at once.
void Flow::phi_edge(std::uint32_t from, std::uint32_t to, const Val& mask) {
  const Block& target = p_.blocks[to];
  bool split = regions_.is_split(p_.blocks[to].construct) ||
               regions_.region_of(from) != regions_.region_of(to);
  bool blend = split || phi_divergence(p_, a_, to);
  // Who comes first finds nothing to keep, unless others left a loop in rounds before.
  if (blend && !split && !target.predecessors.empty() && target.predecessors.front() == from &&
      innermost_loop(p_, from) == innermost_loop(p_, to))
    blend = false;
  std::vector<std::pair<const Slots*, Leaves>> writes;
  for (const auto& phi : target.phis) {
    const Slots* slots = values_.phi_slots(phi.id);
    if (!slots) continue;
    for (const auto& in : phi.incoming)
      if (in.block == from) writes.emplace_back(slots, values_.get(in.value));
  }
  for (auto& [slots, leaves] : writes)
    for (std::size_t i = 0; i < slots->size() && i < leaves.size(); ++i)
      values_.store_slot((*slots)[i], leaves[i], blend ? &mask : nullptr);
}

void Flow::emit_body(std::uint32_t block) {
  at_.block = block;
  load_phis(block);
  for (const auto& inst : p_.blocks[block].body) {
    instructions_.emit_inst(inst);
    if (b_.failure) return;
  }
}

void Flow::emit_range(std::uint32_t construct) {
  if (is_divergent(construct)) {
    emit_divergent(construct);
  } else {
    b_.note_construct(construct, "together: branches");
    emit_uniform(construct);
  }
}

// ---- Together ---------------------------------------------------------------------------

void Flow::emit_uniform(std::uint32_t root) {
  const Construct& construct = p_.constructs[root];
  std::uint32_t scope = values_.open_scope();
  Val mask = at_.mask;
  BasicBlock* leave = BasicBlock::Create(cx_, "leave", at_.function);
  // The construct around may have used the label already, to get here.
  if (!labels_.empty()) labels_[construct.begin] = nullptr;
  const bool comes_back =
      std::ranges::any_of(p_.blocks[construct.begin].predecessors,
                          [&](std::uint32_t from) { return p_.contains(root, from); });
  if (comes_back)
    branches_.jump(block_label(construct.begin));
  else
    b_.CreateBr(block_label(construct.begin));
  for (std::uint32_t b = construct.begin; b < construct.end && !b_.failure;) {
    if (b != construct.begin && p_.blocks[b].predecessors.empty()) {
      ++b;
      continue;
    }
    b_.SetInsertPoint(block_label(b));
    at_.mask = mask;
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
        branches_.jump(inside ? block_label(inner.merge) : leave);
      b = inner.end;
      continue;
    }
    std::uint32_t loop = innermost_loop(p_, b);
    if (loop != kNone && p_.constructs[loop].header == b && p_.contains(root, b)) {
      at_.block = b;
      values_.reset_slots_of(loop);
    }
    emit_body(b);
    emit_exit_uniform(b, root, leave);
    ++b;
  }
  b_.SetInsertPoint(leave);
  at_.mask = mask;
  values_.close_scope(scope);
}

void Flow::uniform_edge(std::uint32_t from, std::uint32_t to, std::uint32_t root,
                        BasicBlock* leave) {
  values_.keep_loads(false);
  phi_edge(from, to, at_.mask);
  values_.keep_loads(true);
  if (!p_.contains(root, to)) {
    add_mask(to, at_.mask);
    branches_.jump(leave);
    return;
  }
  if (to <= from && needs_abort_check(innermost_loop(p_, to))) emit_abort_check();
  if (to == from + 1 && p_.blocks[to].predecessors.size() == 1)
    b_.CreateBr(block_label(to));
  else
    branches_.jump(block_label(to));
}

void Flow::emit_exit_uniform(std::uint32_t block, std::uint32_t root, BasicBlock* leave) {
  if (b_.failure) return;
  const Block& source = p_.blocks[block];
  if (source.exit == Exit::kEnd) {
    branches_.jump(leave);
    return;
  }
  if (source.exit == Exit::kJump) return uniform_edge(block, source.targets[0], root, leave);
  LlvmValue* condition = b_.base_of(values_.get(source.condition)[0], 0);
  cache_.settle_held();
  auto edge = [&](std::uint32_t to) {
    BasicBlock* label = BasicBlock::Create(cx_, "edge", at_.function);
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

void Flow::make_mask_slots(std::uint32_t construct) {
  const Construct& c = p_.constructs[construct];
  std::uint32_t before = c.begin;
  for (std::uint32_t b = c.begin; b < c.end;) {
    std::uint32_t item = regions_.item_at(b, construct);
    bool loop_header = c.kind == ConstructKind::kLoop && b == c.header;
    bool wanted = b != c.begin && (!regions_.is_mask_known(b) || regions_.is_split(construct)) &&
                  !(regions_.is_split(construct) && regions_.goes_on(construct, before, b)) &&
                  regions_.keeps_mask(b);
    before = b;
    if (loop_header || (wanted && !p_.blocks[b].predecessors.empty())) {
      auto [it, fresh] = mask_slots_.try_emplace(b);
      if (fresh)
        it->second = values_.make_slot(shape_of(merged(a_.masks[b], tail_divergence())),
                                       b_.getInt1Ty(), regions_.is_split(construct));
      values_.reset_slot(it->second);
    }
    b = item == kNone || item == construct ? b + 1 : p_.constructs[item].end;
  }
}

void Flow::add_mask(std::uint32_t block, const Val& mask) {
  if (!regions_.is_mask_known(block)) add_mask_to(block, mask);
}

void Flow::add_mask_to(std::uint32_t block, const Val& mask) {
  auto it = mask_slots_.find(block);
  if (it == mask_slots_.end() || !regions_.keeps_mask(block)) return;
  Val sum = b_.mask_or(values_.load_slot(it->second), mask);
  values_.store_slot(it->second, sum, nullptr);
}

void Flow::emit_divergent(std::uint32_t construct) {
  b_.note_construct(construct, "parted: one block after the other under masks");
  const Construct& c = p_.constructs[construct];
  Val saved = at_.mask;
  if (c.kind != ConstructKind::kLoop) {
    make_mask_slots(construct);
    at_.mask = saved;
    emit_divergent_items(construct);
    at_.mask = saved;
    return;
  }
  make_mask_slots(construct);
  const Slot live = mask_slots_[c.header];
  values_.store_slot(live, saved, nullptr);
  BasicBlock* loop = BasicBlock::Create(cx_, "loop", at_.function);
  BasicBlock* leave = BasicBlock::Create(cx_, "left", at_.function);
  if (goes_round_together(construct)) {
    emit_together_loop(construct, live, loop, leave);
  } else {
    branches_.jump(loop);
  }
  b_.SetInsertPoint(loop);
  DivergentCode parted(at_);
  std::uint32_t scope = values_.open_scope();
  at_.block = c.header;
  values_.reset_slots_of(construct);
  Val mask = values_.load_slot(live);
  make_mask_slots(construct);
  at_.mask = mask;
  emit_divergent_items(construct);
  if (needs_abort_check(construct)) emit_abort_check();
  branches_.branch(b_.any(values_.load_slot(live)), loop, leave);
  values_.close_scope(scope);
  b_.SetInsertPoint(leave);
  at_.mask = saved;
}

void Flow::emit_divergent_items(std::uint32_t construct) {
  chain_.block = kNone;
  emit_divergent_items(construct, p_.constructs[construct].begin);
}

// From block `first` on, whose mask is at hand or in chain_.
void Flow::emit_divergent_items(std::uint32_t construct, std::uint32_t first) {
  const Construct& c = p_.constructs[construct];
  std::vector<Guard> guards;  // innermost last
  auto close = [&] {
    for (; !guards.empty(); guards.pop_back()) close_guard(guards.back());
  };
  for (std::uint32_t b = first; b < c.end && !b_.failure;) {
    std::uint32_t item = regions_.item_at(b, construct);
    std::uint32_t end = item == kNone ? b + 1 : p_.constructs[item].end;
    if (b != c.begin) {
      if (p_.blocks[b].predecessors.empty()) {
        b = end;
        continue;
      }
      bool entered = chain_.block != b || chain_.narrower;
      if (chain_.block == b) {
        at_.mask = chain_.mask;
      } else {
        close();
        auto slot = mask_slots_.find(b);
        if (slot == mask_slots_.end()) {
          b_.internal_error(fmt::format("block {} has no mask", b));
          return;
        }
        at_.mask = values_.load_slot(slot->second);
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
      Val mask = at_.mask;
      emit_range(item);
      at_.mask = mask;
      chain_.block = kNone;
      if (!a_.escapes[item]) chain_ = {p_.constructs[item].merge, mask, false};
    }
    b = end;
  }
  close();
}

void Flow::edge_divergent(std::uint32_t from, std::uint32_t to, const Val& mask) {
  phi_edge(from, to, mask);
  Exit exit = p_.blocks[from].exit;
  if (to == from + 1 && p_.blocks[to].predecessors.size() == 1 &&
      (exit == Exit::kJump || exit == Exit::kBranch) &&
      p_.contains(p_.blocks[from].construct, to) && !regions_.is_split(p_.blocks[from].construct))
    chain_ = {to, mask, exit == Exit::kBranch};
  else
    add_mask(to, mask);
}

void Flow::emit_exit_divergent(std::uint32_t block) {
  if (b_.failure) return;
  const Block& source = p_.blocks[block];
  if (source.exit == Exit::kEnd) return;
  if (source.exit == Exit::kJump) return edge_divergent(block, source.targets[0], at_.mask);
  Val condition = values_.get(source.condition)[0];
  Val here = at_.mask;
  if (source.exit == Exit::kBranch) {
    Val yes = b_.mask_and(here, condition);
    Val no = b_.mask_and(here, b_.mask_not(condition));
    edge_divergent(block, source.targets[0], yes);
    edge_divergent(block, source.targets[1], no);
    return;
  }
  std::vector<std::pair<std::uint32_t, Val>> targets;
  Val rest = here;
  for (const auto& one : source.cases) {
    Val hit = b_.equals(condition, one.literal);
    rest = b_.mask_and(rest, b_.mask_not(hit));
    hit = b_.mask_and(here, hit);
    auto same = std::find_if(targets.begin(), targets.end(),
                             [&](const auto& t) { return t.first == one.target; });
    if (same == targets.end())
      targets.emplace_back(one.target, hit);
    else
      same->second = b_.mask_or(same->second, hit);
  }
  targets.emplace_back(source.targets[0], rest);
  for (const auto& [to, mask] : targets) edge_divergent(block, to, mask);
}

// ---- Judgement ----------------------------------------------------------------------------

// Cheap code without effects runs for nobody rather than be branched around.
bool Flow::needs_guard(std::uint32_t begin, std::uint32_t end) {
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
          if (!cache_.is_patterned_store(inst, begin)) return true;
      }
    }
  }
  return cost * g_.chunks > 8;
}

// A loop that counts to something fixed, with no loop inside, ends by itself.
bool Flow::needs_abort_check(std::uint32_t loop) const {
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
    return keeps_values(*p_.module, *root, o_.assume_no_alias) && !is_shared_live(p_, *load) &&
           memory_.is_led_from_outside(loop, load->args[0]);
  };
  for (std::uint32_t b = c.begin; b < c.end; ++b) {
    // The first such exit decides: each costs a walk over the loop.
    const Id limit = limit_of_counted_exit(p_, loop, b);
    if (limit && outside(limit)) return !is_in_every_round(p_, loop, b);
  }
  return true;
}

void Flow::emit_abort_check() {
  LlvmValue* flag = frame_.context_field(offsetof(KernelContext, abort), b_.getPtrTy(), "abort");
  auto* load = b_.CreateAlignedLoad(b_.getInt32Ty(), flag, llvm::Align(4));
  load->setAtomic(llvm::AtomicOrdering::Monotonic);
  BasicBlock* on = BasicBlock::Create(cx_, "on", at_.function);
  branches_.branch(b_.CreateICmpEQ(load, b_.getInt32(0)), on, at_.leave, likely_weights(cx_));
  b_.SetInsertPoint(on);
}

}  // namespace sokr::cpu
