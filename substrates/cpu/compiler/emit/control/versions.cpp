// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Region versions: together where the code says that they may part. Where everyone is there and
// everyone stays, no masks are needed. Such code is made twice: once for all together, tried
// first, and once with masks.
#include "compiler/codegen/llvm_versions.hpp"
#include "compiler/emit/control/flow.hpp"
#include "compiler/emit/ops/numbers.hpp"
#include "compiler/program/support.hpp"

namespace sokr::cpu {
namespace {

constexpr std::size_t kMaxTwice = 3000;  // instructions times chunks
constexpr int kMaxTwiceDepth = 12;       // constructs around it: each is one more copy
constexpr int kMostTests = 64;           // that a condition is made of

}  // namespace

std::size_t Flow::weight(std::uint32_t begin, std::uint32_t end) const {
  std::size_t sum = 0;
  for (std::uint32_t b = begin; b < end; ++b) sum += p_.blocks[b].body.size() + 1;
  return sum * g_.chunks;
}

// The target of `block` that leads on inside `construct`, if the other one leaves it.
std::uint32_t Flow::way_on(std::uint32_t construct, std::uint32_t block) const {
  const Block& source = p_.blocks[block];
  if (source.exit != Exit::kBranch || source.construct != construct) return kNone;
  bool yes = p_.contains(construct, source.targets[0]);
  bool no = p_.contains(construct, source.targets[1]);
  std::uint32_t on = source.targets[yes ? 0 : 1];
  return yes != no && on == block + 1 && p_.blocks[on].predecessors.size() == 1 ? on : kNone;
}

// A selection in which some leave for good, and the others go on behind it: its header's
// target outside.
std::uint32_t Flow::way_past(std::uint32_t selection) const {
  const Construct& c = p_.constructs[selection];
  const Block& source = p_.blocks[c.begin];
  bool simple = c.kind == ConstructKind::kSelection && source.exit == Exit::kBranch &&
                source.construct == selection && c.merge == c.end &&
                p_.blocks[c.merge].predecessors.size() == 1;
  if (!simple || (source.targets[0] != c.merge && source.targets[1] != c.merge)) return kNone;
  return c.merge;
}

// Is the condition made of comparisons of which `extreme_holds` can tell?
bool Flow::is_steady(Id condition, std::uint32_t block, int& left) const {
  const Inst* test = p_.inst(condition);
  if (--left < 0 || !test || p_.definition(condition)->block != block) return false;
  switch (test->op) {
    case spv::Op::OpLogicalNot:
      return is_steady(test->args[0], block, left);
    case spv::Op::OpLogicalAnd:
    case spv::Op::OpLogicalOr:
      return is_steady(test->args[0], block, left) && is_steady(test->args[1], block, left);
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
bool Flow::is_made_twice(std::uint32_t construct, std::uint32_t block) const {
  const Construct& c = p_.constructs[construct];
  if (!b_.has(Part::kRegionVersions)) return false;
  if (at_.divergent || c.kind == ConstructKind::kLoop || regions_.is_split(construct)) return false;
  Id condition = p_.blocks[block].condition;
  int left = kMostTests;
  if (condition < bound_ || !is_steady(condition, block, left)) return false;
  int depth = 0;
  for (std::uint32_t at = construct; at != kNone && depth <= kMaxTwiceDepth; ++depth)
    at = p_.constructs[at].parent;
  if (depth > kMaxTwiceDepth) return false;
  return weight(block, c.end) <= kMaxTwice;
}

// What follows the branch at the end of `block`: once for the case that all go to `on`, and
// once in general. `selection`: the construct that the branch opens, if it is not `construct`.
void Flow::emit_both_ways(std::uint32_t construct, std::uint32_t selection, std::uint32_t block,
                          std::uint32_t on) {
  Val here = at_.mask;
  LlvmValue* all_on = everyone(block, on);
  if (!b_.is_full(here)) all_on = b_.CreateAnd(all_on, b_.all(here));
  auto as_together = [&] {
    std::uint32_t scope = values_.open_scope();
    at_.mask = b_.constant_val(b_.getTrue());
    phi_edge(block, on, at_.mask);
    chain_ = {on, at_.mask, false};
    emit_divergent_items(construct, on);
    values_.close_scope(scope);
    at_.mask = here;
  };
  auto as_parted = [&] {
    std::uint32_t scope = values_.open_scope();
    at_.mask = here;
    at_.block = block;
    chain_.block = kNone;
    if (selection != kNone) {
      make_mask_slots(selection);
      emit_exit_divergent(block);
      emit_divergent_items(selection, block + 1);
      at_.mask = here;
      chain_.block = kNone;
      emit_divergent_items(construct, p_.constructs[selection].end);
    } else {
      emit_exit_divergent(block);
      emit_divergent_items(construct, block + 1);
    }
    values_.close_scope(scope);
    at_.mask = here;
  };
  b_.note_construct(construct, "versions: once for all together, once under masks");
  if (auto* known = llvm::dyn_cast<llvm::ConstantInt>(all_on))
    return known->isOne() ? as_together() : as_parted();
  BasicBlock* together = BasicBlock::Create(cx_, "together", at_.function);
  BasicBlock* parted = BasicBlock::Create(cx_, "parted", at_.function);
  BasicBlock* done = BasicBlock::Create(cx_, "done", at_.function);
  const auto held = cache_.state();  // what is known here is known on both ways
  b_.CreateCondBr(all_on, together, parted, likely_weights(cx_));
  b_.SetInsertPoint(together);
  as_together();
  branches_.jump(done);
  for (std::size_t b = block + 1; b < p_.constructs[construct].end && b < labels_.size(); ++b)
    labels_[b] = nullptr;
  b_.SetInsertPoint(parted);
  cache_.restore(held);
  {
    DivergentCode cold(at_);
    as_parted();
  }
  branches_.jump(done);
  b_.SetInsertPoint(done);
}

// A loop that they enter together and leave by the test at its head, and the block that tests.
std::uint32_t Flow::tested_at(std::uint32_t loop) const {
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

bool Flow::goes_round_together(std::uint32_t loop) const {
  if (!b_.has(Part::kTogetherLoops)) return false;
  if (at_.divergent || regions_.is_split(loop) || tested_at(loop) == kNone) return false;
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
void Flow::emit_together_loop(std::uint32_t loop, const Slot& live, BasicBlock* parted,
                              BasicBlock* leave) {
  b_.note_construct(loop, "versions: rounds that all take, then rounds under masks");
  const Construct& c = p_.constructs[loop];
  std::uint32_t test = tested_at(loop), on = way_on(loop, test);
  BasicBlock* head = BasicBlock::Create(cx_, "together", at_.function);
  BasicBlock* stay = BasicBlock::Create(cx_, "stay", at_.function);
  BasicBlock* part = BasicBlock::Create(cx_, "part", at_.function);
  Val saved = at_.mask, full = b_.constant_val(b_.getTrue());
  if (b_.is_full(saved))
    branches_.jump(head);
  else
    branches_.branch(b_.all(saved), head, parted);
  b_.SetInsertPoint(head);
  std::uint32_t scope = values_.open_scope();
  at_.block = c.header;
  values_.reset_slots_of(loop);
  make_mask_slots(loop);
  at_.mask = full;
  for (std::uint32_t b = c.header; b <= test; ++b) emit_body(b);
  LlvmValue* all_on = everyone(test, on);
  branches_.branch(all_on, stay, part, likely_weights(cx_));
  b_.SetInsertPoint(part);
  values_.keep_loads(false);  // what is loaded here is not there on the way on
  const std::uint32_t off = p_.blocks[test].targets[p_.blocks[test].targets[0] == on ? 1 : 0];
  BasicBlock* out = BasicBlock::Create(cx_, "out", at_.function);
  BasicBlock* some = BasicBlock::Create(cx_, "some", at_.function);
  branches_.branch(everyone(test, off), out, some, likely_weights(cx_));
  b_.SetInsertPoint(out);
  edge_divergent(test, off, full);
  branches_.jump(leave);
  values_.keep_loads(true);
  b_.SetInsertPoint(some);
  values_.store_slot(live, full, nullptr);
  branches_.jump(parted);
  b_.SetInsertPoint(stay);
  phi_edge(test, on, full);
  chain_ = {on, full, false};
  emit_divergent_items(loop, on);
  if (needs_abort_check(loop)) emit_abort_check();
  if (a_.escapes[loop] || leaves_otherwise(loop, test))
    branches_.branch(b_.all(values_.load_slot(live)), head, parted, likely_weights(cx_));
  else
    branches_.jump(head);
  values_.close_scope(scope);
  for (std::uint32_t b = c.begin; b < c.end && b < labels_.size(); ++b) labels_[b] = nullptr;
  at_.mask = saved;
}

// Does an edge other than those of block `test` leave the loop?
bool Flow::leaves_otherwise(std::uint32_t loop, std::uint32_t test) const {
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
LlvmValue* Flow::everyone(std::uint32_t block, std::uint32_t to) {
  const Block& source = p_.blocks[block];
  int left = kMostTests;
  return all_hold(source.condition, to == source.targets[1], block, left);
}

LlvmValue* Flow::all_hold(Id condition, bool negated, std::uint32_t block, int& left) {
  const Inst* test = p_.inst(condition);
  bool here = test && p_.definition(condition)->block == block && --left >= 0;
  bool joins = here && test->op == (negated ? spv::Op::OpLogicalOr : spv::Op::OpLogicalAnd);
  if (here && test->op == spv::Op::OpLogicalNot)
    return all_hold(test->args[0], !negated, block, left);
  if (joins && b_.scalar_type(test->type)->isIntegerTy(1)) {
    LlvmValue* first = all_hold(test->args[0], negated, block, left);
    LlvmValue* second = all_hold(test->args[1], negated, block, left);
    return b_.CreateAnd(first, second);
  }
  if (here)
    if (LlvmValue* simple = extreme_holds(*test, negated)) return simple;
  Val value = values_.get(condition)[0];
  return b_.all(negated ? b_.mask_not(value) : value);
}

// A comparison of numbers in steady steps with one number: the last step decides, if none of
// them wraps.
LlvmValue* Flow::extreme_holds(const Inst& test, bool negated) {
  if (test.op < spv::Op::OpUGreaterThan || test.op > spv::Op::OpSLessThanEqual) return nullptr;
  llvm::CmpInst::Predicate predicate = predicate_of(test.op);
  const bool is_signed = llvm::CmpInst::isSigned(predicate);
  if (negated) predicate = llvm::CmpInst::getInversePredicate(predicate);
  Val a = values_.get(test.args[0])[0], b = values_.get(test.args[1])[0];
  if (a.s.is_uniform()) {
    std::swap(a, b);
    predicate = llvm::CmpInst::getSwappedPredicate(predicate);
  }
  if (!a.s.affine || a.s.chunk || a.s.ls < 0 || !b.s.is_uniform()) return nullptr;
  const auto [least, most] = a.s.chunk_span(g_.chunks);
  if (least < 0) return nullptr;
  const std::int64_t span = a.s.ls * (g_.width - 1) + most;
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

}  // namespace sokr::cpu
