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

// While it lives, code is made for those who have parted.
struct Emitter::Cold {
  explicit Cold(Emitter& emitter) : e(emitter) { ++e.cold_; }
  ~Cold() { --e.cold_; }
  Cold(const Cold&) = delete;
  Cold& operator=(const Cold&) = delete;
  Emitter& e;
};

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

// ---- Together where the code says they may part ---------------------------------------------
//
// Where everyone is there and everyone stays, no masks are needed. Such code is made twice:
// once for all together, tried first, and once with masks.

namespace {

constexpr std::size_t kMaxTwice = 3000;  // instructions times chunks
constexpr int kMaxTwiceDepth = 12;       // constructs around it: each is one more copy

}  // namespace

std::size_t Emitter::weight(std::uint32_t begin, std::uint32_t end) const {
  std::size_t sum = 0;
  for (std::uint32_t b = begin; b < end; ++b) sum += p_.blocks[b].body.size() + 1;
  return sum * g_.chunks;
}

// The target of `block` that leads on inside `construct`, if the other one leaves it.
std::uint32_t Emitter::way_on(std::uint32_t construct, std::uint32_t block) const {
  const Block& source = p_.blocks[block];
  if (source.exit != Exit::kBranch || source.construct != construct) return kNone;
  bool yes = p_.contains(construct, source.targets[0]);
  bool no = p_.contains(construct, source.targets[1]);
  std::uint32_t on = source.targets[yes ? 0 : 1];
  return yes != no && on == block + 1 && p_.blocks[on].predecessors.size() == 1 ? on : kNone;
}

// A selection in which some leave for good, and the others go on behind it: its header's
// target outside.
std::uint32_t Emitter::way_past(std::uint32_t selection) const {
  const Construct& c = p_.constructs[selection];
  const Block& source = p_.blocks[c.begin];
  bool simple = c.kind == ConstructKind::kSelection && source.exit == Exit::kBranch &&
                source.construct == selection && c.merge == c.end &&
                p_.blocks[c.merge].predecessors.size() == 1;
  if (!simple || (source.targets[0] != c.merge && source.targets[1] != c.merge)) return kNone;
  return c.merge;
}

// Is the condition made of comparisons of which `extreme_holds` can tell?
bool Emitter::is_steady(Id condition, std::uint32_t block) const {
  const Inst* test = p_.inst(condition);
  if (!test || p_.definition(condition)->block != block) return false;
  switch (test->op) {
    case spv::Op::OpLogicalNot:
      return is_steady(test->args[0], block);
    case spv::Op::OpLogicalAnd:
    case spv::Op::OpLogicalOr:
      return is_steady(test->args[0], block) && is_steady(test->args[1], block);
    default:
      break;
  }
  if (test->op < spv::Op::OpIEqual || test->op > spv::Op::OpSLessThanEqual) return false;
  for (Id arg : test->args) {
    if (arg < bound_) continue;
    const Shapes& shapes = a_.values[arg - bound_];
    if (shapes.size() != 1 || !shapes[0].affine) return false;
  }
  return true;
}

// Is what starts at `block` made twice, because it is not likely that they part there?
bool Emitter::is_made_twice(std::uint32_t construct, std::uint32_t block) const {
  const Construct& c = p_.constructs[construct];
  if (!has(Part::kRegionVersions)) return false;
  if (cold_ || c.kind == ConstructKind::kLoop || is_split(construct)) return false;
  Id condition = p_.blocks[block].condition;
  if (condition < bound_ || !is_steady(condition, block)) return false;
  int depth = 0;
  for (std::uint32_t at = construct; at != kNone && depth <= kMaxTwiceDepth; ++depth)
    at = p_.constructs[at].parent;
  if (depth > kMaxTwiceDepth) return false;
  return weight(block, c.end) <= kMaxTwice;
}

// What follows the branch at the end of `block`: once for the case that all go to `on`, and
// once in general. `selection`: the construct that the branch opens, if it is not `construct`.
void Emitter::emit_both_ways(std::uint32_t construct, std::uint32_t selection, std::uint32_t block,
                             std::uint32_t on) {
  Val here = mask_;
  LlvmValue* all_on = everyone(block, on);
  if (!is_full(here)) all_on = b_.CreateAnd(all_on, all(here));
  auto as_together = [&] {
    std::uint32_t scope = open_scope();
    mask_ = constant_val(b_.getTrue());
    phi_edge(block, on, mask_);
    chain_ = {on, mask_, false};
    emit_divergent_items(construct, on);
    close_scope(scope);
    scopes_.pop_back();
    mask_ = here;
  };
  auto as_parted = [&] {
    std::uint32_t scope = open_scope();
    mask_ = here;
    block_ = block;
    chain_.block = kNone;
    if (selection != kNone) {
      make_mask_slots(selection);
      emit_exit_divergent(block);
      emit_divergent_items(selection, block + 1);
      mask_ = here;
      chain_.block = kNone;
      emit_divergent_items(construct, p_.constructs[selection].end);
    } else {
      emit_exit_divergent(block);
      emit_divergent_items(construct, block + 1);
    }
    close_scope(scope);
    scopes_.pop_back();
    mask_ = here;
  };
  note_construct(construct, "versions: once for all together, once under masks");
  if (auto* known = llvm::dyn_cast<llvm::ConstantInt>(all_on))
    return known->isOne() ? as_together() : as_parted();
  BasicBlock* together = BasicBlock::Create(cx_, "together", fn_);
  BasicBlock* parted = BasicBlock::Create(cx_, "parted", fn_);
  BasicBlock* done = BasicBlock::Create(cx_, "done", fn_);
  const auto held = held_;  // what is known here is known on both ways
  b_.CreateCondBr(all_on, together, parted, llvm::MDBuilder(cx_).createLikelyBranchWeights());
  b_.SetInsertPoint(together);
  as_together();
  jump(done);
  for (std::size_t b = block + 1; b < p_.constructs[construct].end && b < labels_.size(); ++b)
    labels_[b] = nullptr;
  b_.SetInsertPoint(parted);
  held_ = held;
  {
    Cold cold(*this);
    as_parted();
  }
  jump(done);
  b_.SetInsertPoint(done);
}

// A loop that they enter together and leave by the test at its head, and the block that tests.
std::uint32_t Emitter::tested_at(std::uint32_t loop) const {
  const Construct& c = p_.constructs[loop];
  std::uint32_t b = c.header;
  while (p_.blocks[b].exit == Exit::kJump && p_.blocks[b].targets[0] == b + 1 &&
         p_.blocks[b + 1].predecessors.size() == 1 && b + 1 < c.end)
    ++b;
  if (way_on(loop, b) == kNone || p_.blocks[b].construct != loop) return kNone;
  for (std::uint32_t i = c.header; i <= b; ++i) {
    if (p_.blocks[i].construct != loop) return kNone;
    for (const auto& inst : p_.blocks[i].body)
      if (has_effects(inst.op)) return kNone;
  }
  return b;
}

bool Emitter::goes_round_together(std::uint32_t loop) const {
  if (!has(Part::kTogetherLoops)) return false;
  if (cold_ || is_split(loop) || tested_at(loop) == kNone) return false;
  const Construct& c = p_.constructs[loop];
  // One that is left by some inside of it would be there once more for each loop around it.
  for (std::uint32_t i = 0; i < p_.constructs.size(); ++i) {
    const Construct& other = p_.constructs[i];
    const bool inner =
        other.kind == ConstructKind::kLoop && other.begin > c.begin && other.end <= c.end;
    if (inner && a_.constructs[i]) return false;
  }
  return weight(c.begin, c.end) <= kMaxTwice;
}

// Rounds that everyone takes. Where nobody goes on, all go to `leave`. Where some do, all go to
// `parted`, where the loop starts anew with the values that the round began with.
void Emitter::emit_together_loop(std::uint32_t loop, const Slot& live, BasicBlock* parted,
                                 BasicBlock* leave) {
  note_construct(loop, "versions: rounds that all take, then rounds under masks");
  const Construct& c = p_.constructs[loop];
  std::uint32_t test = tested_at(loop), on = way_on(loop, test);
  BasicBlock* head = BasicBlock::Create(cx_, "together", fn_);
  BasicBlock* stay = BasicBlock::Create(cx_, "stay", fn_);
  BasicBlock* part = BasicBlock::Create(cx_, "part", fn_);
  Val saved = mask_, full = constant_val(b_.getTrue());
  if (is_full(saved))
    jump(head);
  else
    branch(all(saved), head, parted);
  b_.SetInsertPoint(head);
  std::uint32_t scope = open_scope();
  block_ = c.header;
  reset_slots_of(loop);
  make_mask_slots(loop);
  mask_ = full;
  for (std::uint32_t b = c.header; b <= test; ++b) emit_body(b);
  LlvmValue* all_on = everyone(test, on);
  branch(all_on, stay, part, llvm::MDBuilder(cx_).createLikelyBranchWeights());
  b_.SetInsertPoint(part);
  keep_loads_ = false;  // what is loaded here is not there on the way on
  const std::uint32_t off = p_.blocks[test].targets[p_.blocks[test].targets[0] == on ? 1 : 0];
  BasicBlock* out = BasicBlock::Create(cx_, "out", fn_);
  BasicBlock* some = BasicBlock::Create(cx_, "some", fn_);
  branch(everyone(test, off), out, some, llvm::MDBuilder(cx_).createLikelyBranchWeights());
  b_.SetInsertPoint(out);
  edge_divergent(test, off, full);
  jump(leave);
  keep_loads_ = true;
  b_.SetInsertPoint(some);
  store_slot(live, full, nullptr);
  jump(parted);
  b_.SetInsertPoint(stay);
  phi_edge(test, on, full);
  chain_ = {on, full, false};
  emit_divergent_items(loop, on);
  if (needs_abort_check(loop)) emit_abort_check();
  if (a_.escapes[loop] || leaves_otherwise(loop, test))
    branch(all(load_slot(live)), head, parted, llvm::MDBuilder(cx_).createLikelyBranchWeights());
  else
    jump(head);
  close_scope(scope);
  scopes_.pop_back();
  for (std::uint32_t b = c.begin; b < c.end && b < labels_.size(); ++b) labels_[b] = nullptr;
  mask_ = saved;
}

// Does an edge other than those of block `test` leave the loop?
bool Emitter::leaves_otherwise(std::uint32_t loop, std::uint32_t test) const {
  const Construct& c = p_.constructs[loop];
  for (std::uint32_t b = c.begin; b < c.end; ++b) {
    if (b == test) continue;
    for (auto to : p_.blocks[b].targets)
      if (!p_.contains(loop, to)) return true;
    for (const auto& one : p_.blocks[b].cases)
      if (!p_.contains(loop, one.target)) return true;
  }
  return false;
}

// Do all invocations go from `block` to `to`?
LlvmValue* Emitter::everyone(std::uint32_t block, std::uint32_t to) {
  const Block& source = p_.blocks[block];
  return all_hold(source.condition, to == source.targets[1], block);
}

LlvmValue* Emitter::all_hold(Id condition, bool negated, std::uint32_t block) {
  const Inst* test = p_.inst(condition);
  bool here = test && p_.definition(condition)->block == block;
  bool joins = here && test->op == (negated ? spv::Op::OpLogicalOr : spv::Op::OpLogicalAnd);
  if (here && test->op == spv::Op::OpLogicalNot) return all_hold(test->args[0], !negated, block);
  if (joins && scalar_type(test->type)->isIntegerTy(1))
    return b_.CreateAnd(all_hold(test->args[0], negated, block),
                        all_hold(test->args[1], negated, block));
  if (here)
    if (LlvmValue* simple = extreme_holds(*test, negated)) return simple;
  Val value = get(condition)[0];
  return all(negated ? mask_not(value) : value);
}

// A comparison of numbers in steady steps with one number: the last step decides, if none of
// them wraps.
LlvmValue* Emitter::extreme_holds(const Inst& test, bool negated) {
  if (test.op < spv::Op::OpUGreaterThan || test.op > spv::Op::OpSLessThanEqual) return nullptr;
  llvm::CmpInst::Predicate predicate = predicate_of(test.op);
  const bool is_signed = llvm::CmpInst::isSigned(predicate);
  if (negated) predicate = llvm::CmpInst::getInversePredicate(predicate);
  Val a = get(test.args[0])[0], b = get(test.args[1])[0];
  if (a.s.is_uniform()) {
    std::swap(a, b);
    predicate = llvm::CmpInst::getSwappedPredicate(predicate);
  }
  if (!a.s.affine || a.s.chunk || a.s.ls < 0 || a.s.cs < 0 || !b.s.is_uniform()) return nullptr;
  std::int64_t span = a.s.ls * (g_.width - 1) + a.s.cs * (g_.chunks - 1);
  if (span == 0 || span >= (INT64_C(1) << 30)) return nullptr;
  LlvmValue* first = a.v[0];
  LlvmType* type = first->getType();
  if (type->getIntegerBitWidth() < 32) return nullptr;
  auto* step = llvm::ConstantInt::get(type, static_cast<std::uint64_t>(span));
  LlvmValue* last = b_.CreateAdd(first, step);
  LlvmValue* straight = is_signed ? b_.CreateICmpSGE(last, first) : b_.CreateICmpUGE(last, first);
  bool up = predicate == llvm::CmpInst::ICMP_ULT || predicate == llvm::CmpInst::ICMP_ULE ||
            predicate == llvm::CmpInst::ICMP_SLT || predicate == llvm::CmpInst::ICMP_SLE;
  LlvmValue* holds = b_.CreateICmp(predicate, up ? last : first, b.v[0]);
  return b_.CreateAnd(straight, holds);
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
    return is_fixed(*root) && is_led_from_outside(loop, load->args[0]);
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
