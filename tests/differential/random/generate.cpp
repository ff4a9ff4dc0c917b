// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>
#include <bit>
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
Stmt store_shared(Expr index, Expr word) {
  std::vector<Expr> exprs;
  exprs.push_back(std::move(index));
  exprs.push_back(std::move(word));
  return simple(Kind::kSharedStore, 0, std::move(exprs));
}
Expr shared(Expr index) {
  return unary(Op::kShared, std::move(index));
}
Expr local(std::uint32_t index) {
  return {Op::kLocal, index, {}};
}
Expr invocation() {
  return {Op::kInvocation, 0, {}};
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
  // Below a case that another falls through to: whether those who come by the two ways act
  // together is nowhere said.
  bool may_meet = true;
  std::uint32_t depth = 0;
};

class Generator {
 public:
  Generator(std::uint64_t seed, const GeneratorOptions& options)
      : random_(seed * 0x2545F4914F6CDD1Du + 11), options_(options) {
    program_.seed = seed;
    // Not of the program's own numbers: with another base it is the same program.
    Random place(seed * 0x9E3779B97F4A7C15u + 5);
    if (options.most_base != 0 && place.chance(40))
      program_.base = place.chance(50)   ? 1 + place.below(4)
                      : place.chance(50) ? options.most_base
                                         : place.below(options.most_base);
  }

  Program run() {
    constexpr std::array<std::uint32_t, 3> kSizes[] = {
        {1, 1, 1},  {7, 1, 1}, {12, 1, 1}, {17, 1, 1}, {32, 1, 1}, {33, 1, 1}, {64, 1, 1},
        {16, 1, 1}, {8, 4, 1}, {5, 3, 2},  {4, 4, 4},  {3, 1, 7},  {1, 16, 1}, {100, 1, 1}};
    program_.local_size = random_.of(kSizes);
    program_.groups = 1 + random_.below(3);
    for (auto& word : program_.push) word = random_.chance(50) ? random_.below(8) : random_.u32();
    program_.phi_counters = random_.chance(50);
    program_.output_by_cell = random_.chance(50);
    program_.optimize = random_.chance(50) ? 0 : static_cast<int>(1 + random_.below(2));
    constexpr std::uint32_t kSubgroups[] = {32, 32, 32, 4, 8, 16, 64};
    if (options_.subgroups && random_.chance(40)) program_.subgroup_size = random_.of(kSubgroups);

    // Mostly small ones: they find as much as large ones do, sooner.
    const std::uint32_t size = random_.below(20);
    scale_ = size < 15 ? 1 : size < 19 ? 2 : 4;
    const std::uint32_t count = 1 + random_.below(scale_ == 1 ? 2 : 4);
    program_.functions.resize(count);
    has_barriers_.resize(count);
    has_meetings_.assign(count, program_.subgroup_size != 0);
    for (std::uint32_t i = 1; i < count; ++i) {
      has_barriers_[i] = random_.chance(35);
      has_meetings_[i] = program_.subgroup_size != 0 && random_.chance(50);
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
    if (pick < 58 && program_.subgroup_size != 0) return {Op::kLane, 0, {}};
    if (pick < 65) return invocation();
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
    if (pick < 50) return hazard(uniform, depth);
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
    const bool shift = random_.chance(60);
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
    if (scope.may_meet && has_meetings_[current_] && random_.chance(25)) return meeting();
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

  Stmt meeting() {
    Stmt s = simple(Kind::kTogether, varying_local());
    s.callee = random_.below(static_cast<std::uint32_t>(Together::kCount));
    const auto what = static_cast<Together>(s.callee);
    if (what == Together::kElect) return s;
    const bool of_condition = what >= Together::kAny && what != Together::kAllEqual;
    s.exprs.push_back(of_condition ? condition(false, 2) : value(false, 2));
    // Small numbers are the same for several invocations now and then.
    if (what == Together::kAllEqual)
      s.exprs[0] = binary(Op::kUMod, std::move(s.exprs[0]), constant(1 + random_.below(3)));
    if (what == Together::kShuffle) s.exprs.push_back(value(false, 2));
    if (what > Together::kShuffle && what <= Together::kShuffleDown)
      s.exprs.push_back(constant(random_.chance(70)
                                     ? (1u << random_.below(6)) % program_.subgroup_size
                                     : random_.below(program_.subgroup_size)));
    return s;
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
    block.push_back(store_shared(invocation(), value(false, 2)));
    block.push_back(simple(Kind::kBarrier, 0));
    block.push_back(simple(Kind::kSharedLoad, varying_local(), {value(false, 2)}));
    return sequence(std::move(block));
  }

  // ---- Shared memory as kernels use it ---------------------------------------------------
  // Rounds between barriers, in each of which invocations combine words at a distance that
  // doubles or halves: reductions, scans, butterflies, sorting networks.

  static Expr times(Expr a, Expr b) { return binary(Op::kMul, std::move(a), std::move(b)); }
  static Expr plus(Expr a, Expr b) { return binary(Op::kAdd, std::move(a), std::move(b)); }
  static Expr less(Expr a, Expr b) { return binary(Op::kULess, std::move(a), std::move(b)); }
  static Expr both(Expr a, Expr b) { return binary(Op::kBoth, std::move(a), std::move(b)); }
  Expr size() const { return constant(program_.invocations()); }

  Expr combined(Expr a, Expr b) {
    constexpr Op kOps[] = {Op::kAdd, Op::kXor, Op::kSub, Op::kUMin, Op::kSMax, Op::kMulHigh};
    Expr e = binary(random_.of(kOps), std::move(a), std::move(b));
    return random_.chance(70) ? std::move(e) : plus(std::move(e), constant(edge_value()));
  }

  struct Rounds {
    Stmt loop;
    Expr distance;
  };

  Stmt counting(std::uint32_t id, Expr start, Step how, Expr by, Expr test) {
    Stmt s = simple(Kind::kLoop, id);
    constexpr LoopForm kForms[] = {LoopForm::kTestBlock, LoopForm::kTestHeader, LoopForm::kTestEnd};
    s.form = random_.of(kForms);
    s.callee = static_cast<std::uint32_t>(how);
    s.exprs.push_back(std::move(test));
    s.exprs.push_back(std::move(start));
    s.exprs.push_back(std::move(by));
    s.blocks.resize(2);
    return s;
  }

  // One round for each power of two below the workgroup's size, or some more or less.
  Rounds rounds() {
    const std::uint32_t id = next_counter_++;
    const Expr counter{Op::kCounter, id, {}};
    const std::uint32_t all = std::max(2u, std::bit_ceil(program_.invocations()));
    switch (random_.below(4)) {
      case 0:
        return {counting(id, constant(1), Step::kShiftLeft, constant(1), less(counter, size())),
                counter};
      case 1:
        return {counting(id, constant(all / 2), Step::kShiftRight, constant(1),
                         less(constant(0), counter)),
                counter};
      default:
        break;
    }
    const auto most = static_cast<std::uint32_t>(std::bit_width(all)) - 1;
    const std::uint32_t trips = random_.chance(70) ? most : 1 + random_.below(most);
    Stmt loop = counting(id, constant(0), Step::kAdd, constant(1), less(counter, constant(trips)));
    if (random_.chance(50)) return {std::move(loop), binary(Op::kShl, constant(1), counter)};
    return {std::move(loop), binary(Op::kShr, constant(all / 2), counter)};
  }

  Stmt patterns() {
    Block block;
    block.push_back(simple(Kind::kBarrier, 0));
    block.push_back(store_shared(invocation(), value(false, 2)));
    block.push_back(simple(Kind::kBarrier, 0));
    for (std::uint32_t n = 1 + random_.below(2); n-- > 0;) {
      if (random_.chance(15)) {
        block.push_back(sorting());
        continue;
      }
      Rounds all = rounds();
      Block& body = all.loop.blocks[0];
      round(all.distance, body);
      body.push_back(simple(Kind::kBarrier, 0));
      if (random_.chance(20) && spend()) body.push_back(straight({}));
      block.push_back(std::move(all.loop));
    }
    block.push_back(simple(Kind::kAssign, varying_local(), {shared(invocation())}));
    block.push_back(simple(Kind::kSharedLoad, varying_local(), {value(false, 2)}));
    return sequence(std::move(block));
  }

  // What each pair of words (i, j) becomes, for those that exist.
  void round(const Expr& distance, Block& body) {
    const Expr here = invocation();
    const auto pair = [&](Expr i, Expr j, Expr guard, bool writes_second) {
      Block inner;
      const std::uint32_t a = varying_local(), b = (a + 1) % uniform_begin();
      if (random_.chance(50) && !writes_second) {
        Expr word = combined(shared(i), shared(j));
        inner.push_back(store_shared(random_.chance(80) ? i : j, std::move(word)));
      } else {
        inner.push_back(simple(Kind::kAssign, a, {shared(i)}));
        inner.push_back(simple(Kind::kAssign, b, {shared(j)}));
        inner.push_back(store_shared(i, combined(local(a), local(b))));
        inner.push_back(store_shared(j, combined(local(b), local(a))));
      }
      body.push_back(when(std::move(guard), std::move(inner)));
    };
    const Expr twice = times(constant(2), distance);
    const Expr next = plus(here, distance);
    switch (random_.below(8)) {
      case 0:  // the lower part takes the upper one's
        return pair(here, next, both(less(here, distance), less(next, size())), false);
      case 1: {  // every other one of a distance
        Expr first = binary(Op::kEqual, binary(Op::kUMod, here, twice), constant(0));
        return pair(here, next, both(std::move(first), less(next, size())), random_.chance(50));
      }
      case 2: {
        const Expr i = times(twice, here), j = plus(i, distance);
        return pair(i, j, less(j, size()), random_.chance(50));
      }
      case 3: {  // both sweeps of a scan
        const Expr i = binary(
            Op::kSub, times(plus(times(constant(2), here), constant(1)), distance), constant(1));
        const Expr j = plus(i, distance);
        return pair(i, j, less(j, size()), random_.chance(50));
      }
      case 4: {  // blocks of two distances
        const Expr i = plus(times(binary(Op::kUDiv, here, distance), twice),
                            binary(Op::kUMod, here, distance));
        const Expr j = plus(i, distance);
        return pair(i, j, less(j, size()), true);
      }
      case 5: {
        const Expr other = binary(Op::kXor, here, distance);
        return exchange_if(other, both(less(here, other), less(other, size())), truth(), body);
      }
      case 6: {  // from everybody's neighbour, if there is one
        const std::uint32_t a = varying_local();
        body.push_back(simple(Kind::kAssign, a, {constant(edge_value())}));
        body.push_back(
            when(binary(Op::kNeither, less(here, distance), less(size(), here)),
                 {simple(Kind::kAssign, a, {shared(binary(Op::kSub, here, distance))})}));
        body.push_back(simple(Kind::kBarrier, 0));
        body.push_back(store_shared(here, combined(shared(here), local(a))));
        return;
      }
      default: {  // round about
        const std::uint32_t a = varying_local();
        body.push_back(
            simple(Kind::kAssign, a, {shared(binary(Op::kUMod, plus(here, distance), size()))}));
        body.push_back(simple(Kind::kBarrier, 0));
        Stmt store = store_shared(here, combined(local(a), value(false, 1)));
        if (random_.chance(50)) {
          body.push_back(when(condition(false, 1), {std::move(store)}));
        } else {
          body.push_back(std::move(store));
        }
        return;
      }
    }
  }

  Expr truth() { return less(constant(0), constant(1)); }

  // The words here and at `other` change places if they are in the wrong order.
  void exchange_if(const Expr& other, Expr guard, const Expr& is_ascending, Block& body) {
    const std::uint32_t a = varying_local(), b = (a + 1) % uniform_begin();
    Expr wrong = less(local(b), local(a));
    // Wrong is descending in an ascending run, and the other way round.
    if (random_.chance(60)) {
      Expr right_way = both(is_ascending, wrong);
      Expr wrong_way = binary(Op::kNeither, is_ascending, less(local(b), local(a)));
      wrong = binary(Op::kEither, std::move(right_way), std::move(wrong_way));
    }
    Block swap;
    swap.push_back(store_shared(invocation(), local(b)));
    swap.push_back(store_shared(other, local(a)));
    Block inner;
    inner.push_back(simple(Kind::kAssign, a, {shared(invocation())}));
    inner.push_back(simple(Kind::kAssign, b, {shared(other)}));
    inner.push_back(when(std::move(wrong), std::move(swap)));
    body.push_back(when(std::move(guard), std::move(inner)));
  }

  // A bitonic network: runs of 2, 4, 8 ... words, each by halving distances.
  Stmt sorting() {
    const std::uint32_t outer = next_counter_++, inner = next_counter_++;
    const Expr run{Op::kCounter, outer, {}}, distance{Op::kCounter, inner, {}};
    const std::uint32_t all = std::max(2u, std::bit_ceil(program_.invocations()));
    Stmt runs =
        counting(outer, constant(2), Step::kShiftLeft, constant(1), less(run, constant(all + 1)));
    Stmt distances = counting(inner, binary(Op::kShr, run, constant(1)), Step::kShiftRight,
                              constant(1), less(constant(0), distance));
    const Expr other = binary(Op::kXor, invocation(), distance);
    const Expr is_ascending = binary(Op::kEqual, binary(Op::kAnd, invocation(), run), constant(0));
    Block& body = distances.blocks[0];
    exchange_if(other, both(less(invocation(), other), less(other, size())), is_ascending, body);
    body.push_back(simple(Kind::kBarrier, 0));
    runs.blocks[0].push_back(std::move(distances));
    return runs;
  }

  // A value that only the workgroup knows, and that steers it from then on.
  Stmt count() {
    Block block;
    block.push_back(simple(Kind::kBarrier, 0));
    block.push_back(
        when(binary(Op::kEqual, invocation(), constant(0)), {simple(Kind::kCountReset, 0)}));
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
    if (has_meetings_[callee] && !(scope.may_meet && has_meetings_[current_])) return false;
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
      if (c.falls_through) inner.may_meet = false;
      s.cases.push_back(std::move(c));
      s.blocks.push_back(block(inner, true));
    }
    s.exprs.push_back(binary(Op::kUMod, value(uniform, 2), constant(label + 2)));
    return s;
  }

  struct Counting {
    Expr start = constant(0);
    std::uint32_t by = 1;
    Expr limit;
  };

  // Mostly from 0 by 1; sometimes each invocation takes its share of many.
  Counting counting_of(bool uniform) {
    Counting c;
    if (!uniform && random_.chance(35)) {
      constexpr std::uint32_t kSteps[] = {1, 3, 8, 16};
      c.start = random_.chance(70) ? invocation() : plus(invocation(), constant(edge_value() % 8));
      c.by = random_.chance(60) ? program_.invocations() : random_.of(kSteps);
      const std::uint32_t most = c.by * kMaxTrips + (c.by < program_.invocations() ? 8 : 0);
      c.limit = constant(random_.below(most) + 1);
      return c;
    }
    const std::uint32_t from = random_.chance(80) ? 0 : random_.below(4);
    c.start = constant(from);
    c.by = random_.chance(80) ? 1 : 1 + random_.below(3);
    const std::uint32_t most = from + c.by * kMaxTrips;
    c.limit = random_.chance(40) ? constant(1 + random_.below(most))
                                 : binary(Op::kUMod, value(uniform, 2), constant(most + 1));
    return c;
  }

  Stmt loop(const Scope& scope) {
    Scope inner = scope;
    const bool uniform = scope.uniform && random_.chance(60);
    inner.uniform = uniform;
    inner.in_loop = true;
    inner.loop_uniform = uniform;
    inner.in_switch = false;
    ++inner.depth;
    Counting c = counting_of(uniform);
    const std::uint32_t id = next_counter_++;
    counters_.push_back({id, uniform});
    Expr test = less({Op::kCounter, id, {}}, std::move(c.limit));
    if (random_.chance(30)) test = both(std::move(test), condition(uniform, 1));
    Stmt s = counting(id, std::move(c.start), Step::kAdd, constant(c.by), std::move(test));
    s.blocks[0] = block(inner, true);
    for (std::uint32_t i = random_.below(3); i-- > 0 && spend();)
      s.blocks[1].push_back(straight(inner));
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
      } else if (barriers && pick < 74) {
        out.push_back(patterns());
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
    Block first;
    if (random_.chance(25)) first.push_back(patterns());
    Block other = block({}, false);
    std::move(other.begin(), other.end(), std::back_inserter(first));
    // No barrier follows: any invocation may leave at any time.
    barriers_allowed_ = false;
    budget_ += scale_ * (3 + random_.below(4));
    Scope rest;
    rest.uniform = false;
    rest.may_return = true;
    Block second = block(rest, false);
    body = std::move(first);
    std::move(second.begin(), second.end(), std::back_inserter(body));
    Expr all = local(0);
    for (std::uint32_t i = 1; i < function().locals; ++i)
      all = plus(times(std::move(all), constant(31)), local(i));
    body.push_back(simple(Kind::kOutputMix, 0, {constant(0), std::move(all)}));
  }

  Random random_;
  GeneratorOptions options_;
  Program program_;
  std::vector<bool> has_barriers_, has_meetings_;
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

Memory initial_memory(const Program& program, std::uint64_t variant) {
  Random random(program.seed ^ 0x5EED ^ variant << 40);
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
