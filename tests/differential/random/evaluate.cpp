// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The judge: one invocation after the other, each with its own stack of blocks, from
// barrier to barrier. No masks and no SPIR-V: nothing that the substrates could share an
// error with, save the table of edge semantics.
#include <bit>
#include <cmath>
#include <sokr/substrate/edge_semantics.hpp>

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

struct Workgroup {
  const Program& program;
  Memory& memory;
  Word group = 0;
  Word count = 0;
  std::vector<Word> own, shared;
  std::uint64_t& steps;
};

class Invocation {
 public:
  Invocation(Workgroup& group, Word index) : group_(group), index_(index) {
    calls_.push_back({&main(), std::vector<Word>(main().locals), nullptr, nullptr});
    begin_locals(0);
    frames_.push_back({&main().body, 0, Role::kCall, nullptr});
  }

  enum class Stop { kBarrier, kEnd, kTooLong };

  // Until the next barrier; `where` tells barriers apart.
  Stop run(const Stmt*& where) {
    while (!frames_.empty()) {
      if (++group_.steps > kMaxSteps) return Stop::kTooLong;
      Frame& frame = frames_.back();
      if (frame.next == frame.block->size()) {
        end_of_block();
        continue;
      }
      const Stmt& s = (*frame.block)[frame.next++];
      if (s.kind == Kind::kBarrier) {
        where = &s;
        return Stop::kBarrier;
      }
      execute(s);
    }
    return Stop::kEnd;
  }

 private:
  enum class Role { kPlain, kSwitch, kLoopBody, kLoopStep, kCall };
  struct Frame {
    const Block* block;
    std::size_t next;
    Role role;
    const Stmt* owner;
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
    const std::size_t first =
        (std::size_t{group_.group} * group_.program.invocations() + index_) * kOutputs;
    return group_.memory.output[first + cell % kOutputs];
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
        return group_.group;
      case Op::kPush:
        return group_.program.push[e.value];
      case Op::kOwn:
        return group_.own[index_];
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
        group_.shared[index_] = operand(0);
        break;
      case Kind::kSharedLoad:
        local(s.target) = group_.shared[operand(0) % group_.shared.size()];
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
        counters_[s.target] = 0;
        if (s.form == LoopForm::kTestEnd || test(s.exprs[0])) push(s.blocks[0], Role::kLoopBody, s);
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
    frames_.push_back({&block, 0, role, &owner});
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
        frames_.back() = {&frame.owner->blocks[1], 0, Role::kLoopStep, frame.owner};
        return;
      case Role::kLoopStep:
        ++counters_[frame.owner->target];
        frames_.pop_back();
        if (test(frame.owner->exprs[0]))
          push(frame.owner->blocks[0], Role::kLoopBody, *frame.owner);
        return;
      case Role::kCall: {
        const Function& function = *calls_.back().function;
        leave(calls_.back().caller != nullptr ? value(function.result) : 0);
        return;
      }
    }
  }

  Workgroup& group_;
  Word index_;
  std::vector<Word> counters_;
  std::array<std::array<Word, kArraySize>, 2> arrays_{};
  std::vector<Frame> frames_;
  std::vector<Call> calls_;
};

bool run_group(Workgroup& group) {
  std::vector<Invocation> invocations;
  const Word size = group.program.invocations();
  invocations.reserve(size);
  for (Word i = 0; i < size; ++i) invocations.emplace_back(group, i);
  for (;;) {
    const Stmt* barrier = nullptr;
    for (Word i = 0; i < size; ++i) {
      const Stmt* here = nullptr;
      if (invocations[i].run(here) == Invocation::Stop::kTooLong) return false;
      if (i == 0) barrier = here;
      if (here != barrier) return false;
    }
    if (barrier == nullptr) return true;
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
                    std::vector<Word>(program.invocations()),
                    steps};
    if (!run_group(group)) return false;
  }
  return true;
}

}  // namespace sokr::differential
