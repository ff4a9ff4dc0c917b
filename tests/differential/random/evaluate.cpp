// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The judge: one invocation after the other, each with its own stack of blocks, from
// barrier to barrier. No masks and no SPIR-V: nothing that the substrates could share an
// error with, save the table of edge semantics.
#include <algorithm>
#include <bit>
#include <cmath>
#include <sokr/substrate/edge_semantics.hpp>
#include <span>

#include "program.hpp"

namespace sokr::differential {
namespace {

namespace edge = substrate::edge;
using Word = std::uint32_t;

constexpr std::uint64_t kMaxSteps = 3'000'000;  // of a whole program

// A 12-bit signed number: sums and products of two are exact in f32.
float small_float(Word word) {
  return static_cast<float>(static_cast<std::int32_t>(word << 20) >> 20);
}
Word word_of(float value) {
  return static_cast<Word>(static_cast<std::int32_t>(value));
}

Word binary(Op op, Word a, Word b) {
  const float x = small_float(a), y = small_float(b);
  switch (op) {
    case Op::kAdd:
      return a + b;
    case Op::kSub:
      return a - b;
    case Op::kMul:
      return a * b;
    case Op::kAnd:
      return a & b;
    case Op::kOr:
      return a | b;
    case Op::kXor:
      return a ^ b;
    case Op::kShl:
      return edge::shift_left(a, b);
    case Op::kShr:
      return edge::shift_right_logical(a, b);
    case Op::kSar:
      return edge::shift_right_arithmetic(a, b);
    case Op::kUDiv:
      return edge::udiv(a, b);
    case Op::kUMod:
      return edge::umod(a, b);
    case Op::kSDiv:
      return edge::sdiv(a, b);
    case Op::kSRem:
      return edge::srem(a, b);
    case Op::kSMod:
      return edge::smod(a, b);
    case Op::kUMin:
      return a < b ? a : b;
    case Op::kSMax:
      return std::bit_cast<std::int32_t>(a) > std::bit_cast<std::int32_t>(b) ? a : b;
    case Op::kMulHigh:
      return edge::umul_extended(a, b).high;
    case Op::kFAdd:
      return word_of(x + y);
    case Op::kFSub:
      return word_of(x - y);
    case Op::kFMul:
      return word_of(x * y);
    case Op::kFMin:
      return word_of(x < y ? x : y);
    case Op::kFMax:
      return word_of(x > y ? x : y);
    default:
      return 0;
  }
}

Word unary(Op op, Word a) {
  switch (op) {
    case Op::kNot:
      return ~a;
    case Op::kNegate:
      return 0 - a;
    case Op::kBitCount:
      return edge::bit_count(a);
    case Op::kBitReverse:
      return edge::bit_reverse(a);
    case Op::kFindUMsb:
      return edge::find_umsb(a);
    case Op::kFindILsb:
      return edge::find_lsb(a);
    case Op::kSAbs:
      return std::bit_cast<std::int32_t>(a) < 0 ? 0 - a : a;
    case Op::kFQuarter:
      return word_of(std::floor(small_float(a) * 0.25f));
    default:
      return 0;
  }
}

bool compare(Op op, Word a, Word b) {
  switch (op) {
    case Op::kEqual:
      return a == b;
    case Op::kULess:
      return a < b;
    case Op::kSLess:
      return std::bit_cast<std::int32_t>(a) < std::bit_cast<std::int32_t>(b);
    case Op::kFLess:
      return small_float(a) < small_float(b);
    default:
      return false;
  }
}

Word atomic(Atomic op, Word old, Word operand) {
  switch (op) {
    case Atomic::kAdd:
      return old + operand;
    case Atomic::kXor:
      return old ^ operand;
    case Atomic::kAnd:
      return old & operand;
    case Atomic::kOr:
      return old | operand;
    case Atomic::kUMin:
      return binary(Op::kUMin, old, operand);
    case Atomic::kSMax:
      return binary(Op::kSMax, old, operand);
    case Atomic::kCount:
      break;
  }
  return old;
}

// Workgroup memory that knows who touched it since the last barrier.
class SharedMemory {
 public:
  explicit SharedMemory(std::size_t size) : words_(size) {}

  Word load(Word index, Word invocation) {
    if (index >= words_.size()) return violation();
    Cell& cell = words_[index];
    if (cell.written == kNever) return violation();
    if (cell.written == epoch_ && cell.writer != invocation) return violation();
    cell.shared_reading = cell.read == epoch_ && (cell.shared_reading || cell.reader != invocation);
    cell.read = epoch_;
    cell.reader = invocation;
    return cell.word;
  }
  void store(Word index, Word invocation, Word word) {
    if (index >= words_.size()) return void(violation());
    Cell& cell = words_[index];
    if (cell.written == epoch_ && cell.writer != invocation) violation();
    if (cell.read == epoch_ && (cell.shared_reading || cell.reader != invocation)) violation();
    cell.written = epoch_;
    cell.writer = invocation;
    cell.word = word;
  }
  void barrier() { ++epoch_; }
  bool is_valid() const { return valid_; }

 private:
  static constexpr std::uint64_t kNever = 0;
  struct Cell {
    Word word = 0, writer = 0, reader = 0;
    bool shared_reading = false;
    std::uint64_t written = kNever, read = kNever;
  };
  Word violation() {
    valid_ = false;
    return 0;
  }

  std::vector<Cell> words_;
  std::uint64_t epoch_ = 1;
  bool valid_ = true;
};

struct Workgroup {
  const Program& program;
  Memory& memory;
  Word group = 0;
  Word count = 0;
  std::vector<Word> own;
  SharedMemory shared;
  std::uint64_t& steps;
};

class Invocation {
 public:
  Invocation(Workgroup& group, Word index) : group_(group), index_(index) {
    calls_.push_back({&main(), std::vector<Word>(main().locals), nullptr, nullptr});
    begin_locals(0);
    frames_.push_back({&main().body, 0, Role::kCall, nullptr, 0});
  }

  enum class Stop { kBarrier, kTogether, kEnd, kTooLong };

  // Until the next barrier or operation of the subgroup; `where` tells them apart.
  Stop run(const Stmt*& where) {
    while (!frames_.empty()) {
      if (++group_.steps > kMaxSteps) return Stop::kTooLong;
      Frame& frame = frames_.back();
      if (frame.next == frame.block->size()) {
        end_of_block();
        continue;
      }
      const Stmt& s = (*frame.block)[frame.next++];
      if (s.kind == Kind::kBarrier || s.kind == Kind::kTogether) {
        where = &s;
        return s.kind == Kind::kBarrier ? Stop::kBarrier : Stop::kTogether;
      }
      execute(s);
    }
    return Stop::kEnd;
  }

  // Where it stands, the turns of loops included: equal for those who do together what comes
  // next, less for those who come to it earlier.
  std::vector<std::size_t> place() const {
    std::vector<std::size_t> path;
    for (const Frame& frame : frames_) {
      const bool is_call = frame.role == Role::kCall;
      path.push_back(is_call ? 0
                             : static_cast<std::size_t>(frame.block - frame.owner->blocks.data()));
      if (frame.role == Role::kLoopBody || frame.role == Role::kLoopStep)
        path.back() += 2 * frame.turn;
      path.push_back(frame.next);
    }
    return path;
  }
  Word index() const { return index_; }
  Word operand(const Stmt& s, std::size_t i) {
    const Expr& e = s.exprs[i];
    return is_condition(e.op) ? Word{test(e)} : value(e);
  }
  void receive(const Stmt& s, Word result) { local(s.target) = result; }

 private:
  enum class Role { kPlain, kSwitch, kLoopBody, kLoopStep, kCall };
  struct Frame {
    const Block* block;
    std::size_t next;
    Role role;
    const Stmt* owner;
    std::size_t turn;  // of a loop
  };
  struct Call {
    const Function* function;
    std::vector<Word> locals;
    Word* reference;     // local `params`, if the function has one
    const Stmt* caller;  // receives the result
  };

  const Function& main() const { return group_.program.functions[0]; }

  // Locals start with their own number.
  void begin_locals(std::size_t from) {
    auto& locals = calls_.back().locals;
    for (std::size_t i = from; i < locals.size(); ++i) locals[i] = static_cast<Word>(i);
  }

  Word& local(Word index) {
    Call& call = calls_.back();
    if (call.reference != nullptr && index == call.function->params) return *call.reference;
    return call.locals[index];
  }

  Word& output(Word cell) {
    const Program& program = group_.program;
    const std::size_t here = std::size_t{group_.group} * program.invocations() + index_;
    const std::size_t total = std::size_t{program.groups} * program.invocations();
    return group_.memory.output[program.output_by_cell ? cell % kOutputs * total + here
                                                       : here * kOutputs + cell % kOutputs];
  }

  bool test(const Expr& e) {
    switch (e.op) {
      case Op::kBoth:
        return test(e.args[0]) && test(e.args[1]);
      case Op::kEither:
        return test(e.args[0]) || test(e.args[1]);
      case Op::kNeither:
        return !test(e.args[0]) && !test(e.args[1]);
      default:
        return compare(e.op, value(e.args[0]), value(e.args[1]));
    }
  }

  Word value(const Expr& e) {
    switch (e.op) {
      case Op::kConstant:
        return e.value;
      case Op::kLocal:
        return local(e.value);
      case Op::kCounter:
        return counters_[e.value];
      case Op::kInvocation:
        return index_;
      case Op::kGroup:
        return group_.program.base + group_.group;
      case Op::kPush:
        return group_.program.push[e.value];
      case Op::kOwn:
        return group_.own[index_];
      case Op::kLane:
        return index_ % group_.program.subgroup_size;
      case Op::kShared:
        return group_.shared.load(value(e.args[0]), index_);
      case Op::kInput: {
        const Word index = value(e.args[0]);
        return index < kInputWords ? group_.memory.input[index] : 0;
      }
      case Op::kArray:
        return arrays_[e.value][value(e.args[0]) % kArraySize];
      case Op::kSelect:
      case Op::kBranch:
        return value(test(e.args[0]) ? e.args[1] : e.args[2]);
      case Op::kBitField:
        return edge::bit_field_uextract(value(e.args[0]), value(e.args[1]), value(e.args[2]));
      default:
        break;
    }
    if (e.args.size() == 1) return unary(e.op, value(e.args[0]));
    return binary(e.op, value(e.args[0]), value(e.args[1]));
  }

  void execute(const Stmt& s) {
    const auto operand = [&](std::size_t i) { return value(s.exprs[i]); };
    switch (s.kind) {
      case Kind::kAssign:
        local(s.target) = operand(0);
        break;
      case Kind::kArrayStore:
        arrays_[s.target][operand(0) % kArraySize] = operand(1);
        break;
      case Kind::kOutput:
        output(operand(0)) = operand(1);
        break;
      case Kind::kOutputMix: {
        Word& cell = output(operand(0));
        cell = cell * 31 + operand(1);
        break;
      }
      case Kind::kOwnStore:
        group_.own[index_] = operand(0);
        break;
      case Kind::kAtomic: {
        Word& cell = group_.memory.counters[s.target * kCounterCells + operand(0) % kCounterCells];
        cell = atomic(static_cast<Atomic>(s.target), cell, operand(1));
        break;
      }
      case Kind::kSharedStore:
        group_.shared.store(operand(0), index_, operand(1));
        break;
      case Kind::kSharedLoad:
        local(s.target) = group_.shared.load(operand(0) % group_.program.invocations(), index_);
        break;
      case Kind::kCountReset:
        group_.count = 0;
        break;
      case Kind::kCountAdd:
        group_.count += operand(0);
        break;
      case Kind::kCountLoad:
        local(s.target) = group_.count;
        break;
      default:
        control(s);
    }
  }

  void control(const Stmt& s) {
    switch (s.kind) {
      case Kind::kCall:
        return call(s);
      case Kind::kSequence:
        return push(s.blocks[0], Role::kPlain, s);
      case Kind::kIf:
        return push(s.blocks[test(s.exprs[0]) ? 0 : 1], Role::kPlain, s);
      case Kind::kSwitch:
        return choose(s);
      case Kind::kLoop:
        if (s.target >= counters_.size()) counters_.resize(s.target + 1);
        counters_[s.target] = operand(s, 1);
        if (s.form == LoopForm::kTestEnd || test(s.exprs[0])) enter_loop(s, 0);
        return;
      case Kind::kBreak:
        unwind(Role::kLoopBody);
        frames_.pop_back();
        return;
      case Kind::kContinue:
        unwind(Role::kLoopBody);
        return end_of_block();
      case Kind::kLeaveSwitch:
        unwind(Role::kSwitch);
        frames_.pop_back();
        return;
      case Kind::kReturn:
        leave(s.exprs.empty() ? 0 : value(s.exprs[0]));
        return;
      default:
        return;
    }
  }

  void push(const Block& block, Role role, const Stmt& owner) {
    frames_.push_back({&block, 0, role, &owner, 0});
  }

  void enter_loop(const Stmt& s, std::size_t turn) {
    frames_.push_back({&s.blocks[0], 0, Role::kLoopBody, &s, turn});
  }

  void unwind(Role role) {
    while (frames_.back().role != role) frames_.pop_back();
  }

  void choose(const Stmt& s) {
    const Word selector = value(s.exprs[0]);
    std::size_t chosen = s.cases.size();
    for (std::size_t i = 0; i < s.cases.size(); ++i) {
      if (s.cases[i].is_default && chosen == s.cases.size()) chosen = i;
      for (const Word label : s.cases[i].labels)
        if (label == selector) return enter_case(s, i);
    }
    if (chosen < s.cases.size()) enter_case(s, chosen);
  }

  void enter_case(const Stmt& s, std::size_t index) { push(s.blocks[index], Role::kSwitch, s); }

  void call(const Stmt& s) {
    const Function& function = group_.program.functions[s.callee];
    std::vector<Word> locals(function.locals);
    for (std::size_t i = 0; i < s.exprs.size(); ++i) locals[i] = value(s.exprs[i]);
    Word* reference = function.has_reference ? &local(s.reference) : nullptr;
    calls_.push_back({&function, std::move(locals), reference, &s});
    begin_locals(s.exprs.size());
    push(function.body, Role::kCall, s);
  }

  void leave(Word result) {
    unwind(Role::kCall);
    frames_.pop_back();
    const Stmt* caller = calls_.back().caller;
    calls_.pop_back();
    if (caller != nullptr) local(caller->target) = result;
  }

  void end_of_block() {
    const Frame frame = frames_.back();
    switch (frame.role) {
      case Role::kPlain:
        frames_.pop_back();
        return;
      case Role::kSwitch: {
        const auto index = static_cast<std::size_t>(frame.block - frame.owner->blocks.data());
        frames_.pop_back();
        if (frame.owner->cases[index].falls_through) enter_case(*frame.owner, index + 1);
        return;
      }
      case Role::kLoopBody:
        frames_.back() = {&frame.owner->blocks[1], 0, Role::kLoopStep, frame.owner, frame.turn};
        return;
      case Role::kLoopStep:
        step(*frame.owner);
        frames_.pop_back();
        if (test(frame.owner->exprs[0])) enter_loop(*frame.owner, frame.turn + 1);
        return;
      case Role::kCall: {
        const Function& function = *calls_.back().function;
        leave(calls_.back().caller != nullptr ? value(function.result) : 0);
        return;
      }
    }
  }

  void step(const Stmt& s) {
    Word& counter = counters_[s.target];
    const Word by = operand(s, 2);
    switch (static_cast<Step>(s.callee)) {
      case Step::kAdd:
        counter += by;
        return;
      case Step::kShiftLeft:
        counter = edge::shift_left(counter, by);
        return;
      case Step::kShiftRight:
        counter = edge::shift_right_logical(counter, by);
        return;
    }
  }

  Workgroup& group_;
  Word index_;
  std::vector<Word> counters_;
  std::array<std::array<Word, kArraySize>, 2> arrays_{};
  std::vector<Frame> frames_;
  std::vector<Call> calls_;
};

// The invocations that do something together, in ascending order.
class Meeting {
 public:
  Meeting(std::vector<Invocation*> present, const Stmt& s, Word size)
      : present_(std::move(present)), s_(s), size_(size) {
    for (Invocation* one : present_) {
      lanes_.push_back(one->index() % size);
      values_.push_back(s.exprs.empty() ? 0 : one->operand(s, 0));
      selectors_.push_back(s.exprs.size() > 1 ? one->operand(s, 1) : 0);
    }
  }

  void run() {
    std::vector<Word> results;
    for (std::size_t i = 0; i < present_.size(); ++i) results.push_back(result(i));
    for (std::size_t i = 0; i < present_.size(); ++i) present_[i]->receive(s_, results[i]);
  }

 private:
  Word fold(std::size_t first, std::size_t end, Word start, Word (*combine)(Word, Word)) const {
    for (std::size_t i = first; i < end; ++i) start = combine(start, values_[i]);
    return start;
  }
  // 0 of somebody who is not here.
  Word of_lane(Word lane) const {
    const auto found = std::ranges::find(lanes_, lane);
    return found == lanes_.end() ? 0 : values_[static_cast<std::size_t>(found - lanes_.begin())];
  }
  Word clustered(std::size_t i) const {
    Word sum = 0;
    for (std::size_t k = 0; k < lanes_.size(); ++k)
      if (lanes_[k] / kCluster == lanes_[i] / kCluster) sum += values_[k];
    return sum;
  }

  Word result(std::size_t i) const {
    const std::size_t n = values_.size();
    const auto add = [](Word a, Word b) { return a + b; };
    const auto exclusive_or = [](Word a, Word b) { return a ^ b; };
    const auto smaller = [](Word a, Word b) { return std::min(a, b); };
    switch (static_cast<Together>(s_.callee)) {
      case Together::kAdd:
        return fold(0, n, 0, add);
      case Together::kXor:
        return fold(0, n, 0, exclusive_or);
      case Together::kAnd:
        return fold(0, n, ~Word{0}, [](Word a, Word b) { return a & b; });
      case Together::kOr:
        return fold(0, n, 0, [](Word a, Word b) { return a | b; });
      case Together::kUMin:
        return fold(0, n, ~Word{0}, smaller);
      case Together::kSMax:
        return fold(0, n, 0x80000000, [](Word a, Word b) { return binary(Op::kSMax, a, b); });
      case Together::kInclusiveAdd:
        return fold(0, i + 1, 0, add);
      case Together::kExclusiveAdd:
        return fold(0, i, 0, add);
      case Together::kInclusiveUMin:
        return fold(0, i + 1, ~Word{0}, smaller);
      case Together::kExclusiveXor:
        return fold(0, i, 0, exclusive_or);
      case Together::kClusteredAdd:
        return clustered(i);
      case Together::kBroadcastFirst:
        return values_[0];
      case Together::kShuffle:
        return of_lane(selectors_[i] % size_);
      case Together::kShuffleXor:
        return of_lane(lanes_[i] ^ selectors_[i]);
      case Together::kShuffleUp:
        return of_lane(lanes_[i] - selectors_[i]);
      case Together::kShuffleDown:
        return of_lane(lanes_[i] + selectors_[i]);
      case Together::kAllEqual:
        return std::ranges::count(values_, values_[0]) == static_cast<std::ptrdiff_t>(n);
      case Together::kElect:
        return i == 0;
      default:
        return of_conditions(i);
    }
  }

  Word of_conditions(std::size_t i) const {
    std::array<Word, 2> ballot{};
    Word before = 0, first = kNobody, last = kNobody;
    for (std::size_t k = 0; k < values_.size(); ++k) {
      if (values_[k] == 0) continue;
      ballot[lanes_[k] / 32] |= Word{1} << lanes_[k] % 32;
      before += k < i;
      first = std::min(first, lanes_[k]);
      last = lanes_[k];
    }
    const auto count = static_cast<Word>(std::popcount(ballot[0]) + std::popcount(ballot[1]));
    switch (static_cast<Together>(s_.callee)) {
      case Together::kAny:
        return count != 0;
      case Together::kAll:
        return count == values_.size();
      case Together::kBallot:
        return ballot[0] ^ ballot[1];
      case Together::kBallotCount:
        return count;
      case Together::kBallotRank:
        return before;
      case Together::kBallotFirst:
        return first;
      case Together::kBallotLast:
        return last;
      default:
        return 0;
    }
  }

  std::vector<Invocation*> present_;
  const Stmt& s_;
  Word size_;
  std::vector<Word> lanes_, values_, selectors_;
};

// Up to the next barrier or the end. False if it takes too long or they disagree about which.
bool run_subgroup(const Workgroup& group, std::span<Invocation> invocations, const Stmt*& barrier) {
  struct Waiting {
    std::vector<std::size_t> place;
    Invocation* invocation;
    const Stmt* at;
  };
  std::vector<Waiting> waiting;
  bool first = true;
  const auto run = [&](Invocation& invocation) {
    const Stmt* here = nullptr;
    switch (invocation.run(here)) {
      case Invocation::Stop::kTooLong:
        return false;
      case Invocation::Stop::kTogether:
        waiting.push_back({invocation.place(), &invocation, here});
        return true;
      default:
        if (first) barrier = here;
        first = false;
        return here == barrier;
    }
  };
  for (Invocation& invocation : invocations)
    if (!run(invocation)) return false;
  while (!waiting.empty()) {
    const auto earliest = std::ranges::min_element(waiting, {}, &Waiting::place)->place;
    const auto others = std::ranges::stable_partition(
        waiting, [&](const Waiting& one) { return one.place == earliest; });
    std::vector<Waiting> together(waiting.begin(), others.begin());
    waiting.erase(waiting.begin(), others.begin());
    std::vector<Invocation*> present;
    for (const Waiting& one : together) present.push_back(one.invocation);
    std::ranges::sort(present, {}, &Invocation::index);
    Meeting(present, *together[0].at, group.program.subgroup_size).run();
    for (Invocation* one : present)
      if (!run(*one)) return false;
  }
  return true;
}

bool run_group(Workgroup& group) {
  std::vector<Invocation> invocations;
  const Word size = group.program.invocations();
  invocations.reserve(size);
  for (Word i = 0; i < size; ++i) invocations.emplace_back(group, i);
  const Word together = group.program.subgroup_size != 0 ? group.program.subgroup_size : size;
  for (;;) {
    const Stmt* barrier = nullptr;
    for (Word i = 0; i < size; i += together) {
      const Stmt* here = nullptr;
      if (!run_subgroup(group, std::span(invocations).subspan(i, std::min(together, size - i)),
                        here))
        return false;
      if (i == 0) barrier = here;
      if (here != barrier) return false;
    }
    if (!group.shared.is_valid()) return false;
    if (barrier == nullptr) return true;
    group.shared.barrier();
  }
}

}  // namespace

bool evaluate(const Program& program, Memory& memory) {
  std::uint64_t steps = 0;
  for (Word g = 0; g < program.groups; ++g) {
    Workgroup group{program,
                    memory,
                    g,
                    0,
                    std::vector<Word>(program.invocations()),
                    SharedMemory(std::size_t{2} * program.invocations()),
                    steps};
    if (!run_group(group)) return false;
  }
  return true;
}

}  // namespace sokr::differential
