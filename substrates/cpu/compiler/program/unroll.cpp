// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Loops whose rounds can be counted here become straight code where their counters are worth more
// as constants.
//
// Around barriers: the places in Workgroup memory that each invocation touches become constants.
// What such kernels do (tree reductions, scans, sorting networks) is then a fixed pattern of
// lanes, which needs neither gathers nor masks at run time.
//
// Where they index a private array: an array that only constants index needs no memory, its
// elements are registers. That is how tiles of sums are written whose sizes are specialization
// constants, which a front end cannot unroll. The innermost loops come first.
#include <algorithm>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "compiler/program/folding.hpp"
#include "compiler/program/program.hpp"
#include "compiler/program/queries.hpp"

namespace sokr::cpu {
namespace {

constexpr std::uint32_t kMaxRounds = 64;
// Instructions that a loop over private arrays may become. What writes a tile of 32 sums with a
// test of each takes 1,100; while it is a loop the sums lie in memory everywhere.
constexpr std::size_t kMaxPrivate = 2048;
constexpr std::size_t kMaxShort = 1400;  // one without a barrier, for places in Workgroup memory
// What a scalar that a round reads from or writes to a buffer counts as in such a loop: with its
// test and the careful way it is some 30 instructions for each register. Attention over 32 keys,
// whose rounds read two vectors of four halves, was 110 KB with them written out, and is 42 KB and
// 1.6 times as quick as a loop; which element of Workgroup memory a round reads matters less.
constexpr std::size_t kBufferScalar = 24;

using Values = std::unordered_map<Id, Id>;

class Unroller {
 public:
  Unroller(Program& program, std::size_t most) : p_(program), constants_(program), left_(most) {}

  // Loops that index private arrays, or stand inside of such a loop, and contain no other loop,
  // until there is none.
  bool run_private() {
    find_counted_variables();
    bool some = false;
    for (auto c = static_cast<std::uint32_t>(p_.constructs.size()); c-- > 0;) {
      if (p_.constructs[c].kind != ConstructKind::kLoop || !is_innermost(c)) continue;
      if (!is_for_private(c) || !unroll(c, kMaxPrivate)) continue;
      some = true;
      c = static_cast<std::uint32_t>(p_.constructs.size());
    }
    return some;
  }

  bool run() {
    bool some = false;
    for (std::uint32_t c = 0; c < p_.constructs.size(); ++c) {
      if (p_.constructs[c].kind != ConstructKind::kLoop || !is_worth_it(c)) continue;
      const bool has_barrier = p_.constructs[c].has_barrier;
      if (!unroll(c, has_barrier ? left_ : kMaxShort,
                  has_barrier ? 0 : kBufferScalar * buffer_scalars(p_.constructs[c])))
        continue;
      some = true;
      c = kNone;  // from the start: inner loops may be countable now
    }
    return some;
  }

 private:
  struct Counted {
    std::uint32_t test = kNone;  // the block that leaves
    std::uint32_t on = kNone;    // its target inside
    std::vector<Values> rounds;  // constants that the header's phis are, by round; the last
                                 // round is the one that leaves
    std::size_t cost = 0;        // instructions of all rounds
  };

  // factor * (an invocation's place in its workgroup) + offset, never out of [0, 2^31).
  struct Line {
    std::int64_t factor = 0, offset = 0;
    std::uint32_t place = kNone;  // which place: its dimension, or 3 for the index; kNone = any
  };
  using Lines = std::unordered_map<Id, Line>;

  // With a barrier, or short and with Workgroup memory, in a kernel with barriers.
  bool is_worth_it(std::uint32_t construct) const {
    const Construct& loop = p_.constructs[construct];
    if (loop.has_barrier) return true;
    if (!p_.has_barrier) return false;
    for (std::uint32_t b = loop.begin; b < loop.end; ++b)
      for (const auto& inst : p_.blocks[b].body) {
        if (inst.op != spv::Op::OpLoad && inst.op != spv::Op::OpStore) continue;
        const spirv::Variable* root = p_.module->variable(root_of(p_, inst.args[0]));
        if (root && root->storage == spv::StorageClass::Workgroup) return true;
      }
    return false;
  }

  // Scalars that a round moves between registers and buffers.
  std::size_t buffer_scalars(const Construct& loop) const {
    std::size_t sum = 0;
    for (std::uint32_t b = loop.begin; b < loop.end; ++b)
      for (const auto& inst : p_.blocks[b].body) {
        if (inst.op != spv::Op::OpLoad && inst.op != spv::Op::OpStore) continue;
        const spirv::Variable* root = p_.module->variable(root_of(p_, inst.args[0]));
        const bool is_buffer = root && (root->storage == spv::StorageClass::StorageBuffer ||
                                        root->storage == spv::StorageClass::Uniform);
        if (is_buffer)
          sum += leaf_count(*p_.module,
                            inst.op == spv::Op::OpLoad ? inst.type : p_.type_of(inst.args[1]));
      }
    return sum;
  }

  bool is_innermost(std::uint32_t construct) const {
    const Construct& loop = p_.constructs[construct];
    return std::ranges::none_of(p_.constructs, [&](const Construct& one) {
      return &one != &loop && one.kind == ConstructKind::kLoop && one.begin >= loop.begin &&
             one.end <= loop.end;
    });
  }

  // Private arrays whose elements only counters of loops and constants choose. One that data index
  // somewhere stays in memory whatever becomes of the loops.
  void find_counted_variables() {
    for (const PrivateVariable& variable : p_.variables)
      if (!variable.in_memory) counted_variables_.insert(variable.id);
    if (counted_variables_.empty()) return;
    const std::unordered_set<Id> uncounted = find_uncounted();
    for (const Block& block : p_.blocks)
      for (const Inst& inst : block.body) {
        if (inst.op != spv::Op::OpAccessChain && inst.op != spv::Op::OpInBoundsAccessChain)
          continue;
        const Id root = root_of(p_, inst.args[0]);
        if (!counted_variables_.contains(root)) continue;
        for (std::size_t i = 1; i < inst.args.size(); ++i) {
          if (is_made(inst.args[i]) && !uncounted.contains(inst.args[i])) continue;
          counted_variables_.erase(root);
          break;
        }
      }
  }

  bool is_made(Id id) const { return p_.constant(id) || p_.phi(id) || p_.inst(id); }

  // Values that are made of anything but constants and what loops carry around.
  std::unordered_set<Id> find_uncounted() const {
    constexpr std::uint64_t kOnes[] = {1, 1, 1};
    std::unordered_set<Id> found;
    std::unordered_map<Id, std::vector<Id>> users;
    std::vector<Id> waiting;
    const auto note = [&](Id id) {
      if (found.insert(id).second) waiting.push_back(id);
    };
    const auto use = [&](Id value, Id user) {
      if (p_.constant(value)) return;
      if (is_made(value)) return users[value].push_back(user);
      note(user);
    };
    for (std::uint32_t b = 0; b < p_.blocks.size(); ++b) {
      const Construct& own = p_.constructs[p_.blocks[b].construct];
      const bool carries = own.kind == ConstructKind::kLoop && own.header == b;
      for (const Phi& phi : p_.blocks[b].phis) {
        if (!carries) note(phi.id);
        for (const Incoming& in : phi.incoming) use(in.value, phi.id);
      }
      for (const Inst& inst : p_.blocks[b].body) {
        if (!inst.id) continue;
        if (!folded(inst.op, 32, 32, kOnes)) note(inst.id);
        visit_value_operands(inst, [&](std::size_t i) { use(inst.args[i], inst.id); });
      }
    }
    while (!waiting.empty()) {
      const Id id = waiting.back();
      waiting.pop_back();
      if (const auto all = users.find(id); all != users.end())
        for (const Id user : all->second) note(user);
    }
    return found;
  }

  bool is_for_private(std::uint32_t construct) const {
    for (std::uint32_t c = construct; c != kNone; c = p_.constructs[c].parent)
      if (p_.constructs[c].kind == ConstructKind::kLoop && indexes_private(p_.constructs[c]))
        return true;
    return false;
  }

  // Does a counter of the loop, or what is computed from it, choose an element of a private array?
  bool indexes_private(const Construct& loop) const {
    std::unordered_set<Id> counted;
    for (const auto& phi : p_.blocks[loop.header].phis)
      if (constants_.width_of(phi.type) > 1) counted.insert(phi.id);
    for (std::uint32_t b = loop.begin; b < loop.end; ++b)
      for (const auto& inst : p_.blocks[b].body) {
        bool uses = false;
        visit_value_operands(inst, [&](std::size_t i) { uses |= counted.contains(inst.args[i]); });
        if (!uses) continue;
        if (inst.op == spv::Op::OpAccessChain || inst.op == spv::Op::OpInBoundsAccessChain) {
          if (counted_variables_.contains(root_of(p_, inst.args[0]))) return true;
        } else if (inst.id && constants_.width_of(inst.type) > 1 && inst.op != spv::Op::OpLoad) {
          counted.insert(inst.id);
        }
      }
    return false;
  }

  // ---- Constants ----

  // The constant that an instruction is if its operands stand for what `known` says; 0 = none.
  Id fold(const Inst& inst, const Values& known) {
    return constants_.fold(inst, [&](Id id) {
      const auto it = known.find(id);
      return it == known.end() ? id : it->second;
    });
  }

  // ---- Lines ----

  std::optional<Line> builtin_line(const Inst& inst) const {
    if (inst.op == spv::Op::OpCompositeExtract) {
      const Inst* load = p_.inst(inst.args[0]);
      if (!load || load->op != spv::Op::OpLoad || inst.args.size() != 2) return std::nullopt;
      const spirv::Variable* v = p_.module->variable(load->args[0]);
      if (!v || v->builtin != spv::BuiltIn::LocalInvocationId) return std::nullopt;
      return Line{1, 0, inst.args[1]};
    }
    if (inst.op != spv::Op::OpLoad) return std::nullopt;
    const spirv::Variable* v = p_.module->variable(root_of(p_, inst.args[0]));
    if (!v || !v->builtin) return std::nullopt;
    if (v->builtin == spv::BuiltIn::LocalInvocationIndex) return Line{1, 0, 3};
    auto place = private_place(p_, inst.args[0]);
    if (v->builtin != spv::BuiltIn::LocalInvocationId || !place || !place->leaf ||
        constants_.width_of(inst.type) != 32)
      return std::nullopt;
    return Line{1, 0, *place->leaf};
  }

  std::int64_t most_of(const Line& line) const {
    const auto& local = p_.entry->local_size;
    std::int64_t last = line.place == kNone ? 0
                        : line.place == 3   ? std::int64_t{local[0]} * local[1] * local[2] - 1
                                            : std::int64_t{local[line.place]} - 1;
    return line.factor * last + line.offset;
  }

  std::optional<Line> checked(const Line& line) const {
    constexpr std::int64_t kEnd = INT64_C(1) << 31;
    std::int64_t last = most_of(line);
    if (line.offset < 0 || line.offset >= kEnd || last < 0 || last >= kEnd) return std::nullopt;
    return line;
  }

  std::optional<Line> line_of(Id id, const Values& known, const Lines& lines, int depth = 0) const {
    if (auto it = lines.find(id); it != lines.end()) return it->second;
    auto value = known.find(id);
    if (auto bits = constants_.bits_of(value == known.end() ? id : value->second))
      return checked({0, signed_value(*bits, 32), kNone});
    const Inst* inst = p_.inst(id);
    if (!inst || depth > 8 || constants_.width_of(inst->type) != 32) return std::nullopt;
    return line_of(*inst, known, lines, depth);
  }

  std::optional<Line> line_of(const Inst& inst, const Values& known, const Lines& lines,
                              int depth = 0) const {
    if (auto builtin = builtin_line(inst)) return builtin;
    bool sum = inst.op == spv::Op::OpIAdd || inst.op == spv::Op::OpISub;
    bool product = inst.op == spv::Op::OpIMul || inst.op == spv::Op::OpShiftLeftLogical;
    if ((!sum && !product) || constants_.width_of(inst.type) != 32) return std::nullopt;
    auto a = line_of(inst.args[0], known, lines, depth + 1);
    auto b = line_of(inst.args[1], known, lines, depth + 1);
    if (!a || !b) return std::nullopt;
    if (sum) {
      std::int64_t sign = inst.op == spv::Op::OpISub ? -1 : 1;
      if (a->place != kNone && b->place != kNone && a->place != b->place) return std::nullopt;
      return checked({a->factor + sign * b->factor, a->offset + sign * b->offset,
                      a->place != kNone ? a->place : b->place});
    }
    if (inst.op == spv::Op::OpShiftLeftLogical) {
      if (b->place != kNone || b->offset > 30) return std::nullopt;
      b->offset = INT64_C(1) << b->offset;
    } else if (a->place == kNone) {
      std::swap(a, b);
    }
    if (b->place != kNone || b->offset > INT32_MAX) return std::nullopt;
    return checked({a->factor * b->offset, a->offset * b->offset, a->place});
  }

  // Whether a comparison of lines has one outcome for all.
  std::optional<bool> outcome(const Inst& test, const Values& known, const Lines& lines) const {
    if (test.op < spv::Op::OpUGreaterThan || test.op > spv::Op::OpSLessThanEqual)
      return std::nullopt;
    auto a = line_of(test.args[0], known, lines), b = line_of(test.args[1], known, lines);
    if (!a || !b || (a->place != kNone && b->place != kNone && a->place != b->place))
      return std::nullopt;
    // a - b, of which the ends are the extremes.
    Line difference{a->factor - b->factor, a->offset - b->offset,
                    a->place != kNone ? a->place : b->place};
    std::int64_t low = difference.offset, high = most_of(difference);
    if (low > high) std::swap(low, high);
    auto decide = [](bool always, bool never) -> std::optional<bool> {
      if (always) return true;
      return never ? std::optional(false) : std::nullopt;
    };
    switch (test.op) {
      case spv::Op::OpULessThan:
      case spv::Op::OpSLessThan:
        return decide(high < 0, low >= 0);
      case spv::Op::OpULessThanEqual:
      case spv::Op::OpSLessThanEqual:
        return decide(high <= 0, low > 0);
      case spv::Op::OpUGreaterThan:
      case spv::Op::OpSGreaterThan:
        return decide(low > 0, high <= 0);
      default:
        return decide(low >= 0, high < 0);
    }
  }

  // ---- Counting ----

  bool leaves_by(const Construct& loop, std::uint32_t test) const {
    for (std::uint32_t b = loop.begin; b < loop.end; ++b) {
      const Block& block = p_.blocks[b];
      if (block.exit == Exit::kEnd) return false;
      for (auto to : block.targets)
        if ((to < loop.begin || to >= loop.end) && b != test) return false;
      for (const auto& one : block.cases)
        if (one.target < loop.begin || one.target >= loop.end) return false;
    }
    return true;
  }

  // `more`: what a round counts as beyond its instructions.
  std::optional<Counted> count(std::uint32_t construct, std::size_t most, std::size_t more) {
    const Construct& loop = p_.constructs[construct];
    if (loop.merge != loop.end || p_.blocks[loop.header].predecessors.size() != 2)
      return std::nullopt;
    Counted counted;
    std::uint32_t b = loop.header;
    while (p_.blocks[b].exit == Exit::kJump && p_.blocks[b].targets[0] == b + 1 &&
           !p_.blocks[b].barrier_after && p_.blocks[b + 1].predecessors.size() == 1 &&
           p_.blocks[b + 1].construct == construct)
      ++b;
    const Block& test = p_.blocks[b];
    if (test.exit != Exit::kBranch || test.construct != construct || test.barrier_after)
      return std::nullopt;
    bool yes = p_.contains(construct, test.targets[0]),
         no = p_.contains(construct, test.targets[1]);
    if (yes == no || test.targets[yes ? 1 : 0] != loop.merge) return std::nullopt;
    counted.test = b;
    counted.on = test.targets[yes ? 0 : 1];
    if (counted.on != b + 1 || !leaves_by(loop, b)) return std::nullopt;

    Values now;
    Lines lines;
    for (const auto& phi : p_.blocks[loop.header].phis)
      for (const auto& in : phi.incoming) {
        if (in.block >= loop.begin) continue;
        if (constants_.bits_of(in.value))
          now[phi.id] = in.value;
        else if (auto line = line_of(in.value, {}, {}))
          lines[phi.id] = *line;
      }
    if (now.empty() && lines.empty()) return std::nullopt;
    std::size_t each = 0;
    for (std::uint32_t i = loop.begin; i < loop.end; ++i) each += p_.blocks[i].body.size() + 1;
    for (std::uint32_t round = 0; round <= kMaxRounds && round * (each + more) <= most; ++round) {
      counted.rounds.push_back(now);
      Values known = now;
      Lines here = lines;
      evaluate(loop, known, here);
      auto it = known.find(test.condition);
      auto goes = constants_.bits_of(it == known.end() ? test.condition : it->second);
      const Inst* compare = p_.inst(test.condition);
      if (!goes && compare) goes = outcome(*compare, known, here);
      if (!goes) return std::nullopt;
      if ((*goes != 0) != yes) {
        counted.cost = round * each;
        return counted;
      }
      Values next;
      lines.clear();
      for (const auto& phi : p_.blocks[loop.header].phis)
        for (const auto& in : phi.incoming) {
          if (in.block < loop.begin) continue;
          auto value = known.find(in.value);
          Id id = value == known.end() ? in.value : value->second;
          if (constants_.bits_of(id))
            next[phi.id] = id;
          else if (auto line = line_of(id, known, here))
            lines[phi.id] = *line;
        }
      now = std::move(next);
    }
    return std::nullopt;
  }

  void evaluate(const Construct& loop, Values& known, Lines& lines) {
    for (std::uint32_t b = loop.begin; b < loop.end; ++b)
      for (const auto& inst : p_.blocks[b].body) {
        if (!inst.id) continue;
        if (Id value = fold(inst, known))
          known[inst.id] = value;
        else if (auto line = line_of(inst, known, lines))
          lines[inst.id] = *line;
      }
  }

  // ---- Copying ----

  Id fresh(Id type) {
    p_.definitions.push_back({type, kNone, -1});
    return p_.module->bound() + static_cast<Id>(p_.definitions.size()) - 1;
  }

  static Id mapped(const Values& values, Id id) {
    auto it = values.find(id);
    return it == values.end() ? id : it->second;
  }

  // Into at most so many instructions.
  bool unroll(std::uint32_t construct, std::size_t most, std::size_t more = 0) {
    auto counted = count(construct, std::min(most, left_), more);
    if (!counted) return false;
    left_ -= counted->cost;
    const Construct loop = p_.constructs[construct];
    const std::uint32_t size = loop.end - loop.begin, head = counted->test + 1 - loop.begin;
    const auto rounds = static_cast<std::uint32_t>(counted->rounds.size()) - 1;
    const std::uint32_t added = rounds * size + head - size;
    std::vector<Block> old(p_.blocks.begin() + loop.begin, p_.blocks.begin() + loop.end);
    std::vector<Block> made;
    Values before;  // what the round before made of each value
    for (std::uint32_t round = 0; round <= rounds; ++round) {
      std::uint32_t at = loop.begin + round * size;
      Values values = header_values(old[0], loop, *counted, round, before);
      std::uint32_t n = round < rounds ? size : head;
      // The last one keeps the names: what is behind the loop knows them.
      if (round < rounds) name_anew(old, n, values);
      for (std::uint32_t i = 0; i < n; ++i) made.push_back(copy(old[i], i, loop, values, at));
      Block& test = made[made.size() - n + head - 1];
      test.exit = Exit::kJump;
      test.condition = 0;
      test.targets = {round < rounds ? at + head : loop.end + added};
      before = std::move(values);
    }
    std::uint32_t leaves_from = loop.begin + rounds * size + head - 1;
    shift_behind(loop.end, added, counted->test, leaves_from);
    p_.blocks.erase(p_.blocks.begin() + loop.begin, p_.blocks.begin() + loop.end);
    p_.blocks.insert(p_.blocks.begin() + loop.begin, std::make_move_iterator(made.begin()),
                     std::make_move_iterator(made.end()));
    copy_constructs(construct, loop, rounds, size, added);
    // Phis of the header that something behind the loop knows.
    Values gone;
    for (const auto& phi : old[0].phis) gone[phi.id] = mapped(before, phi.id);
    replace_values(p_, gone);
    nest_constructs(p_);
    link_predecessors(p_);
    index_definitions(p_);
    return true;
  }

  Values header_values(const Block& header, const Construct& loop, const Counted& counted,
                       std::uint32_t round, const Values& before) {
    Values values;
    for (const auto& phi : header.phis) {
      auto known = counted.rounds[round].find(phi.id);
      if (known != counted.rounds[round].end()) {
        values[phi.id] = known->second;
        continue;
      }
      for (const auto& in : phi.incoming)
        if ((in.block < loop.begin) == (round == 0))
          values[phi.id] = round == 0 ? in.value : mapped(before, in.value);
    }
    return values;
  }

  void name_anew(const std::vector<Block>& old, std::uint32_t count, Values& values) {
    for (std::uint32_t i = 0; i < count; ++i) {
      if (i != 0)
        for (const auto& phi : old[i].phis) values[phi.id] = fresh(phi.type);
      for (const auto& inst : old[i].body) {
        if (!inst.id) continue;
        Id value = fold(inst, values);
        values[inst.id] = value ? value : fresh(inst.type);
      }
    }
  }

  // Block `index` of the loop, in the round whose blocks begin at `at`.
  Block copy(const Block& source, std::uint32_t index, const Construct& loop, const Values& values,
             std::uint32_t at) {
    Block out = source;
    auto place = [&](std::uint32_t block) {
      if (block == loop.header) return at + (loop.end - loop.begin);  // the next round
      return block >= loop.begin && block < loop.end ? at + (block - loop.begin) : block;
    };
    if (index == 0) out.phis.clear();
    for (auto& phi : out.phis) {
      phi.id = mapped(values, phi.id);
      for (auto& in : phi.incoming) {
        in.value = mapped(values, in.value);
        in.block = at + (in.block - loop.begin);
      }
    }
    std::erase_if(out.body, [&](const Inst& inst) {
      auto it = values.find(inst.id);
      return inst.id && it != values.end() && constants_.bits_of(it->second);
    });
    for (auto& inst : out.body) {
      inst.id = mapped(values, inst.id);
      for (std::size_t i = 0; i < inst.args.size(); ++i)
        if (operand_is_value(inst.op, i, inst.args)) inst.args[i] = mapped(values, inst.args[i]);
    }
    if (out.condition) out.condition = mapped(values, out.condition);
    for (auto& to : out.targets) to = place(to);
    for (auto& one : out.cases) one.target = place(one.target);
    return out;
  }

  // Everything behind the loop moves by `added` blocks.
  void shift_behind(std::uint32_t end, std::uint32_t added, std::uint32_t test,
                    std::uint32_t leaves_from) {
    for (std::uint32_t b = 0; b < p_.blocks.size(); ++b) {
      Block& block = p_.blocks[b];
      for (auto& to : block.targets)
        if (to >= end) to += added;
      for (auto& one : block.cases)
        if (one.target >= end) one.target += added;
      for (auto& phi : block.phis)
        for (auto& in : phi.incoming) {
          if (in.block >= end)
            in.block += added;
          else if (b >= end && in.block == test)
            in.block = leaves_from;
        }
    }
  }

  void copy_constructs(std::uint32_t construct, const Construct& loop, std::uint32_t rounds,
                       std::uint32_t size, std::uint32_t added) {
    std::vector<Construct> all;
    auto behind = [&](std::uint32_t block) {
      return block != kNone && block >= loop.end ? block + added : block;
    };
    for (std::uint32_t c = 0; c < p_.constructs.size(); ++c) {
      if (c == construct) continue;
      Construct one = p_.constructs[c];
      bool inside = one.begin >= loop.begin && one.end <= loop.end &&
                    !(one.begin <= loop.begin && one.end >= loop.end);
      if (!inside) {
        one.begin = behind(one.begin);
        one.end = behind(one.end);
        one.header = behind(one.header);
        one.merge = behind(one.merge);
        one.continue_target = behind(one.continue_target);
        all.push_back(one);
        continue;
      }
      for (std::uint32_t round = 0; round < rounds; ++round) {
        Construct copied = one;
        auto place = [&](std::uint32_t block) {
          if (block == kNone) return block;
          return block < loop.end ? block + round * size : block + added;
        };
        copied.begin = place(one.begin);
        copied.end = place(one.end - 1) + 1;
        copied.header = place(one.header);
        copied.merge = place(one.merge);
        copied.continue_target = place(one.continue_target);
        all.push_back(copied);
      }
    }
    p_.constructs = std::move(all);
  }

  Program& p_;
  Constants constants_;
  std::size_t left_;  // instructions that may still be made
  std::unordered_set<Id> counted_variables_;
};

}  // namespace

bool unroll_private(Program& program, std::size_t most) {
  return Unroller(program, most).run_private();
}

bool unroll(Program& program, std::size_t most) {
  return Unroller(program, most).run();
}

}  // namespace sokr::cpu
