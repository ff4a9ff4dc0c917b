// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>
#include <iterator>

#include "program.hpp"

namespace sokr::differential {
namespace {

constexpr std::uint32_t kVarying = 5, kUniform = 3;  // locals of main
constexpr std::uint32_t kMaxTrips = 5;

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t u64() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  std::uint32_t u32() { return static_cast<std::uint32_t>(u64() >> 32); }
  std::uint32_t below(std::uint32_t n) { return u32() % n; }
  bool chance(std::uint32_t percent) { return below(100) < percent; }
  template <class T, std::size_t N>
  const T& of(const T (&values)[N]) {
    return values[below(N)];
  }

 private:
  std::uint64_t state_;
};

Expr constant(std::uint32_t value) {
  return {Op::kConstant, value, {}};
}
Expr unary(Op op, Expr a, std::uint32_t value = 0) {
  return {op, value, {std::move(a)}};
}
Expr binary(Op op, Expr a, Expr b) {
  Expr e{op, 0, {}};
  e.args.push_back(std::move(a));
  e.args.push_back(std::move(b));
  return e;
}
Stmt simple(Kind kind, std::uint32_t target, std::vector<Expr> exprs = {}) {
  Stmt s;
  s.kind = kind;
  s.target = target;
  s.exprs = std::move(exprs);
  return s;
}
Stmt when(Expr condition, Block block) {
  Stmt s = simple(Kind::kIf, 0, {std::move(condition)});
  s.blocks.resize(2);
  s.blocks[0] = std::move(block);
  return s;
}

struct Counter {
  std::uint32_t id;
  bool uniform;
};

// Where the next statement stands.
struct Scope {
  bool uniform = true;  // every invocation of the workgroup gets here, or none
  bool in_loop = false, loop_uniform = false;
  bool in_switch = false, switch_uniform = false;
  bool may_return = false;  // in divergent flow: no barrier follows
  std::uint32_t depth = 0;
};

class Generator {
 public:
  Generator(std::uint64_t seed, const GeneratorOptions& options)
      : random_(seed * 0x2545F4914F6CDD1Du + 11), options_(options) {
    program_.seed = seed;
  }

  Program run() {
    constexpr std::array<std::uint32_t, 3> kSizes[] = {
        {1, 1, 1},  {7, 1, 1}, {12, 1, 1}, {17, 1, 1}, {32, 1, 1}, {33, 1, 1}, {64, 1, 1},
        {16, 1, 1}, {8, 4, 1}, {5, 3, 2},  {4, 4, 4},  {3, 1, 7},  {1, 16, 1}, {100, 1, 1}};
    program_.local_size = random_.of(kSizes);
    program_.groups = 1 + random_.below(3);
    for (auto& word : program_.push) word = random_.chance(50) ? random_.below(8) : random_.u32();
    program_.phi_counters = random_.chance(50);
    program_.optimize = random_.chance(50) ? 0 : static_cast<int>(1 + random_.below(2));

    // Mostly small ones: they find as much as large ones do, sooner.
    const std::uint32_t size = random_.below(10);
    scale_ = size < 7 ? 1 : size < 9 ? 2 : 4;
    const std::uint32_t count = 1 + random_.below(scale_ == 1 ? 3 : 4);
    program_.functions.resize(count);
    has_barriers_.resize(count);
    for (std::uint32_t i = 1; i < count; ++i) {
      has_barriers_[i] = random_.chance(35);
      program_.functions[i].params = 2;
      program_.functions[i].has_reference = random_.chance(50);
      program_.functions[i].locals = program_.functions[i].params + 3;
    }
    program_.functions[0].locals = kVarying + kUniform;
    for (std::uint32_t i = count; i-- > 1;) make_function(i);
    make_main();
    return std::move(program_);
  }

 private:
  // ---- Expressions --------------------------------------------------------------------

  std::uint32_t uniform_begin() const { return current_ == 0 ? kVarying : function().locals - 1; }
  const Function& function() const { return program_.functions[current_]; }

  std::uint32_t edge_value() {
    constexpr std::uint32_t kEdges[] = {0,  1,   2,          31,         32,
                                        33, 255, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF};
    return random_.chance(60) ? random_.below(16) : random_.of(kEdges);
  }

  std::uint32_t varying_local() { return random_.below(uniform_begin()); }
  std::uint32_t uniform_local() {
    return uniform_begin() + random_.below(function().locals - uniform_begin());
  }

  Expr leaf(bool uniform) {
    const std::uint32_t pick = random_.below(100);
    if (pick < 20) return constant(edge_value());
    if (pick < 30) return {Op::kPush, random_.below(kPushWords), {}};
    if (pick < 38) return {Op::kGroup, 0, {}};
    if (pick < 55 && !counters_.empty()) {
      const Counter& counter =
          counters_[random_.below(static_cast<std::uint32_t>(counters_.size()))];
      if (!uniform || counter.uniform) return {Op::kCounter, counter.id, {}};
    }
    if (uniform) return {Op::kLocal, uniform_local(), {}};
    if (pick < 65) return {Op::kInvocation, 0, {}};
    if (pick < 69) return {Op::kOwn, 0, {}};
    if (pick < 72) return {Op::kLocal, uniform_local(), {}};
    return {Op::kLocal, varying_local(), {}};
  }

  Expr value(bool uniform, std::uint32_t depth) {
    if (depth == 0 || random_.chance(20)) return leaf(uniform);
    const std::uint32_t pick = random_.below(100);
    if (pick < 12) return memory(uniform, depth);
    if (pick < 22) {
      constexpr Op kUnary[] = {Op::kNot,      Op::kNegate,   Op::kBitCount, Op::kBitReverse,
                               Op::kFindUMsb, Op::kFindILsb, Op::kSAbs,     Op::kFQuarter};
      return unary(random_.of(kUnary), value(uniform, depth - 1));
    }
    if (pick < 34) {
      Expr e{random_.chance(50) ? Op::kSelect : Op::kBranch, 0, {}};
      e.args.push_back(condition(uniform, depth - 1));
      e.args.push_back(value(uniform, depth - 1));
      e.args.push_back(value(uniform, depth - 1));
      return e;
    }
    if (pick < 37) return bit_field(uniform, depth);
    if (pick < 55) return hazard(uniform, depth);
    constexpr Op kBinary[] = {Op::kAdd,  Op::kSub,  Op::kMul,  Op::kAnd,  Op::kOr,      Op::kXor,
                              Op::kAdd,  Op::kXor,  Op::kUMin, Op::kSMax, Op::kMulHigh, Op::kFAdd,
                              Op::kFSub, Op::kFMul, Op::kFMin, Op::kFMax};
    return binary(random_.of(kBinary), value(uniform, depth - 1), value(uniform, depth - 1));
  }

  Expr memory(bool uniform, std::uint32_t depth) {
    Expr index = value(uniform, depth - 1);
    if (!uniform && random_.chance(50)) {
      const std::uint32_t which = current_ == 0 ? random_.below(2) : 0;
      return unary(Op::kArray, std::move(index), which);
    }
    if (options_.edges && random_.chance(50)) return unary(Op::kInput, std::move(index), 1);
    return unary(Op::kInput, binary(Op::kUMod, std::move(index), constant(kInputWords)), 0);
  }

  Expr bit_field(bool uniform, std::uint32_t depth) {
    Expr e{Op::kBitField, 0, {}};
    e.args.push_back(value(uniform, depth - 1));
    Expr offset = value(uniform, depth - 1), count = value(uniform, depth - 1);
    if (!options_.edges) {
      offset = binary(Op::kAnd, std::move(offset), constant(15));
      count = binary(Op::kAnd, std::move(count), constant(15));
    }
    e.args.push_back(std::move(offset));
    e.args.push_back(std::move(count));
    return e;
  }

  // Divisions and shifts, whose second operand can be wrong.
  Expr hazard(bool uniform, std::uint32_t depth) {
    constexpr Op kDivisions[] = {Op::kUDiv, Op::kUMod, Op::kSDiv, Op::kSRem, Op::kSMod};
    constexpr Op kShifts[] = {Op::kShl, Op::kShr, Op::kSar};
    const bool shift = random_.chance(50);
    Op op = shift ? random_.of(kShifts) : random_.of(kDivisions);
    Expr a = value(uniform, depth - 1), b = value(uniform, depth - 1);
    if (!options_.edges) {
      // Signed remainders of negative numbers are undefined in Vulkan's SPIR-V environment.
      if (op == Op::kSMod || op == Op::kSRem) op = Op::kUMod;
      b = shift ? binary(Op::kAnd, std::move(b), constant(31))
                : binary(Op::kOr, binary(Op::kAnd, std::move(b), constant(255)), constant(1));
    }
    return binary(op, std::move(a), std::move(b));
  }

  Expr condition(bool uniform, std::uint32_t depth) {
    const std::uint32_t pick = random_.below(100);
    if (depth > 0 && pick < 25) {
      constexpr Op kLogic[] = {Op::kBoth, Op::kEither, Op::kNeither};
      return binary(random_.of(kLogic), condition(uniform, depth - 1),
                    condition(uniform, depth - 1));
    }
    // Small remainders make conditions true for some invocations and not for others.
    constexpr Op kCompare[] = {Op::kEqual, Op::kULess, Op::kSLess, Op::kFLess};
    const std::uint32_t modulus = 2 + random_.below(4);
    Expr a = value(uniform, depth > 0 ? depth - 1 : 0);
    if (random_.chance(70)) {
      a = binary(Op::kUMod, std::move(a), constant(modulus));
      return binary(random_.of(kCompare), std::move(a), constant(random_.below(modulus)));
    }
    return binary(random_.of(kCompare), std::move(a), value(uniform, depth > 0 ? depth - 1 : 0));
  }

  // ---- Statements ----------------------------------------------------------------------

  bool spend() {
    if (budget_ == 0) return false;
    --budget_;
    return true;
  }

  Stmt assign(const Scope& scope) {
    if (scope.uniform && random_.chance(30)) {
      return simple(Kind::kAssign, uniform_local(), {value(true, 2)});
    }
    return simple(Kind::kAssign, varying_local(), {value(false, scale_ == 1 ? 2 : 3)});
  }

  Stmt straight(const Scope& scope) {
    const std::uint32_t pick = random_.below(100);
    if (pick < 45) return assign(scope);
    if (pick < 58) {
      return simple(Kind::kArrayStore, current_ == 0 ? random_.below(2) : 0,
                    {value(false, 1), value(false, 2)});
    }
    if (pick < 64) return simple(Kind::kOutput, 0, {value(false, 1), value(false, 2)});
    if (pick < 84) return simple(Kind::kOutputMix, 0, {value(false, 1), value(false, 2)});
    if (pick < 90) return simple(Kind::kOwnStore, 0, {value(false, 2)});
    return simple(Kind::kAtomic, random_.below(static_cast<std::uint32_t>(Atomic::kCount)),
                  {value(false, 1), value(false, 2)});
  }

  Stmt sequence(Block block) {
    Stmt s = simple(Kind::kSequence, 0);
    s.blocks.push_back(std::move(block));
    return s;
  }

  // Invocations read what others wrote.
  Stmt exchange() {
    Block block;
    block.push_back(simple(Kind::kBarrier, 0));
    block.push_back(simple(Kind::kSharedStore, 0, {value(false, 2)}));
    block.push_back(simple(Kind::kBarrier, 0));
    block.push_back(simple(Kind::kSharedLoad, varying_local(), {value(false, 2)}));
    return sequence(std::move(block));
  }

  // A value that only the workgroup knows, and that steers it from then on.
  Stmt count() {
    Block block;
    block.push_back(simple(Kind::kBarrier, 0));
    block.push_back(when(binary(Op::kEqual, {Op::kInvocation, 0, {}}, constant(0)),
                         {simple(Kind::kCountReset, 0)}));
    block.push_back(simple(Kind::kBarrier, 0));
    block.push_back(when(condition(false, 2), {simple(Kind::kCountAdd, 0, {value(false, 1)})}));
    block.push_back(simple(Kind::kBarrier, 0));
    block.push_back(simple(Kind::kCountLoad, uniform_local()));
    return sequence(std::move(block));
  }

  bool call(const Scope& scope, Block& out) {
    const auto count = static_cast<std::uint32_t>(program_.functions.size());
    if (current_ + 1 >= count || call_budget_ == 0) return false;
    const std::uint32_t callee = current_ + 1 + random_.below(count - current_ - 1);
    const bool may_barrier = scope.uniform && barriers_allowed_;
    if (has_barriers_[callee] && !may_barrier) return false;
    --call_budget_;
    Stmt s = simple(Kind::kCall, varying_local());
    s.callee = callee;
    s.reference = varying_local();
    if (s.reference == s.target) s.reference = (s.target + 1) % uniform_begin();
    // The last local of a function is uniform; its parameters never are.
    for (std::uint32_t i = 0; i < program_.functions[callee].params; ++i)
      s.exprs.push_back(value(false, 2));
    out.push_back(std::move(s));
    return true;
  }

  bool jump(const Scope& scope, Block& out) {
    Kind kinds[4];
    std::uint32_t count = 0;
    if (scope.in_loop && (scope.uniform || !scope.loop_uniform)) {
      kinds[count++] = Kind::kBreak;
      kinds[count++] = Kind::kContinue;
    }
    if (scope.in_switch && (scope.uniform || !scope.switch_uniform))
      kinds[count++] = Kind::kLeaveSwitch;
    if (scope.uniform || scope.may_return) kinds[count++] = Kind::kReturn;
    if (count == 0) return false;
    const Kind kind = kinds[random_.below(count)];
    Stmt s = simple(kind, 0);
    if (kind == Kind::kReturn && current_ != 0) s.exprs.push_back(value(false, 2));
    out.push_back(std::move(s));
    return true;
  }

  Stmt branch(const Scope& scope) {
    Scope inner = scope;
    const bool uniform = scope.uniform && random_.chance(50);
    inner.uniform = uniform;
    ++inner.depth;
    Stmt s = simple(Kind::kIf, 0, {condition(uniform, 2)});
    s.blocks.resize(2);
    s.blocks[0] = block(inner, true);
    if (random_.chance(50)) s.blocks[1] = block(inner, true);
    return s;
  }

  Stmt choice(const Scope& scope) {
    Scope inner = scope;
    const bool uniform = scope.uniform && random_.chance(50);
    inner.uniform = uniform;
    inner.in_switch = true;
    inner.switch_uniform = uniform;
    ++inner.depth;
    const std::uint32_t count = 1 + random_.below(5);
    const std::uint32_t default_at = random_.below(count + 2);  // beyond the end: none
    std::uint32_t label = 0;
    Stmt s = simple(Kind::kSwitch, 0, {});
    for (std::uint32_t i = 0; i < count; ++i) {
      Case c;
      c.is_default = i == default_at;
      const std::uint32_t labels = c.is_default ? random_.below(2) : 1 + random_.below(2);
      for (std::uint32_t l = 0; l < labels; ++l) c.labels.push_back(label++);
      c.falls_through = i + 1 < count && random_.chance(35);
      s.cases.push_back(std::move(c));
      s.blocks.push_back(block(inner, true));
    }
    s.exprs.push_back(binary(Op::kUMod, value(uniform, 2), constant(label + 2)));
    return s;
  }

  Stmt loop(const Scope& scope) {
    Scope inner = scope;
    const bool uniform = scope.uniform && random_.chance(60);
    inner.uniform = uniform;
    inner.in_loop = true;
    inner.loop_uniform = uniform;
    inner.in_switch = false;
    ++inner.depth;
    const std::uint32_t id = next_counter_++;
    counters_.push_back({id, uniform});
    Stmt s = simple(Kind::kLoop, id);
    constexpr LoopForm kForms[] = {LoopForm::kTestBlock, LoopForm::kTestHeader, LoopForm::kTestEnd};
    s.form = random_.of(kForms);
    Expr limit = random_.chance(40) ? constant(1 + random_.below(kMaxTrips))
                                    : binary(Op::kUMod, value(uniform, 2), constant(kMaxTrips + 1));
    Expr test = binary(Op::kULess, {Op::kCounter, id, {}}, std::move(limit));
    if (random_.chance(30)) test = binary(Op::kBoth, std::move(test), condition(uniform, 1));
    s.exprs.push_back(std::move(test));
    s.blocks.push_back(block(inner, true));
    Block step;
    for (std::uint32_t i = random_.below(3); i-- > 0 && spend();) step.push_back(straight(inner));
    s.blocks.push_back(std::move(step));
    counters_.pop_back();
    return s;
  }

  Block block(const Scope& scope, bool may_jump) {
    Block out;
    const std::uint32_t length = 1 + random_.below(scope.depth == 0 ? 6 : 4);
    for (std::uint32_t i = 0; i < length && spend(); ++i) {
      const std::uint32_t pick = random_.below(100);
      const bool nest = scope.depth < 5;
      const bool barriers = scope.uniform && barriers_allowed_;
      if (nest && pick < 18) {
        out.push_back(branch(scope));
      } else if (nest && pick < 30) {
        out.push_back(choice(scope));
      } else if (nest && pick < 46 && counters_.size() < 3) {
        out.push_back(loop(scope));
      } else if (pick < 54 && call(scope, out)) {
        continue;
      } else if (barriers && pick < 62) {
        out.push_back(exchange());
      } else if (barriers && pick < 67) {
        out.push_back(count());
      } else if (barriers && pick < 70) {
        out.push_back(simple(Kind::kBarrier, 0));
      } else {
        out.push_back(straight(scope));
      }
    }
    if (may_jump && random_.chance(30)) jump(scope, out);
    return out;
  }

  // ---- Functions -------------------------------------------------------------------------

  void make_function(std::uint32_t index) {
    current_ = index;
    budget_ = scale_ * (3 + random_.below(4));
    call_budget_ = 1 + scale_ / 2;
    barriers_allowed_ = has_barriers_[index];
    Scope scope;
    scope.uniform = has_barriers_[index];
    scope.may_return = !has_barriers_[index];
    program_.functions[index].body = block(scope, false);
    program_.functions[index].result = value(false, 2);
  }

  void make_main() {
    current_ = 0;
    call_budget_ = 1 + scale_ / 2;
    Block& body = program_.functions[0].body;
    barriers_allowed_ = true;
    budget_ = scale_ * (4 + random_.below(5));
    Block first = block({}, false);
    // No barrier follows: any invocation may leave at any time.
    barriers_allowed_ = false;
    budget_ += scale_ * (3 + random_.below(4));
    Scope rest;
    rest.uniform = false;
    rest.may_return = true;
    Block second = block(rest, false);
    body = std::move(first);
    std::move(second.begin(), second.end(), std::back_inserter(body));
    for (std::uint32_t i = 0; i < function().locals; ++i)
      body.push_back(simple(Kind::kOutputMix, 0, {constant(i), {Op::kLocal, i, {}}}));
  }

  Random random_;
  GeneratorOptions options_;
  Program program_;
  std::vector<bool> has_barriers_;
  std::vector<Counter> counters_;
  std::uint32_t current_ = 0, next_counter_ = 0, budget_ = 0, call_budget_ = 0, scale_ = 1;
  bool barriers_allowed_ = false;
};

}  // namespace

bool is_condition(Op op) {
  return op >= Op::kEqual;
}

Program generate(std::uint64_t seed, const GeneratorOptions& options) {
  return Generator(seed, options).run();
}

Memory initial_memory(const Program& program) {
  Random random(program.seed ^ 0x5EED);
  Memory memory;
  memory.input.resize(kInputWords);
  for (auto& word : memory.input) word = random.chance(50) ? random.below(16) : random.u32();
  memory.output.resize(std::size_t{program.groups} * program.invocations() * kOutputs);
  for (auto& word : memory.output) word = 0xDEADBEEF;
  memory.counters.resize(static_cast<std::size_t>(Atomic::kCount) * kCounterCells);
  for (auto& word : memory.counters) word = random.u32();
  return memory;
}

}  // namespace sokr::differential
