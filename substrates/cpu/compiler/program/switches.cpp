// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A row of tests of one value, each of which is asked where the ones before it failed, is a switch:
// `if (x == 3) ... else if (x == 7) ... else ...`. As branches in one another, which lanes are
// still there is a condition of as many parts as there were tests.
#include "compiler/program/switches.hpp"

#include <algorithm>
#include <optional>
#include <unordered_set>
#include <utility>

#include "compiler/program/numbering.hpp"
#include "compiler/program/queries.hpp"
#include "compiler/program/thresholds.hpp"
#include "compiler/program/unreached.hpp"

namespace sokr::cpu {
namespace {

// A selection that asks whether a value is `literal`.
struct Test {
  std::uint32_t construct = kNone;
  Id selector = 0;
  std::uint64_t literal = 0;
  std::uint32_t yes = kNone, no = kNone;
};

constexpr std::ptrdiff_t kFewest = kFewestTests;

class SwitchMaker {
 public:
  explicit SwitchMaker(Program& program) : p_(program), numbers_(program) {}

  void run() {
    if (!has_candidates()) return;
    dead_.assign(p_.blocks.size(), false);
    gone_.assign(p_.constructs.size(), false);
    count_marks();
    find_uses();
    // All rows first: what is looked up for them is looked up in what stands.
    std::vector<std::vector<Test>> rows;
    std::vector<bool> asked(p_.constructs.size(), false);  // part of a row
    for (std::uint32_t c = 0; c < p_.constructs.size(); ++c) {
      if (asked[c]) continue;
      std::vector<Test> row = row_from(c);
      for (const Test& test : row) asked[test.construct] = true;
      if (std::ranges::count_if(row, [&](const Test& test) { return is_long(test); }) >= kFewest)
        rows.push_back(std::move(row));
    }
    if (rows.empty()) return;
    for (const auto& row : rows) make_switch(row);
    for (std::size_t b = 0; b < dead_.size(); ++b) {
      if (!dead_[b]) continue;
      for (const Phi& phi : p_.blocks[b].phis) forget_definition(p_, phi.id);
      for (const Inst& inst : p_.blocks[b].body)
        if (inst.id) forget_definition(p_, inst.id);
    }
    remove_constructs(p_, gone_);
    remove_blocks(p_, dead_);
    // Who asks for the same number again is answered by the first.
    remove_unreached(p_);
    link_predecessors(p_);
    drop_ways_not_taken(p_);
    index_definitions(p_);
  }

 private:
  // Selections of this kind in one another, before anything is looked up.
  bool has_candidates() {
    std::vector<std::uint32_t> depth(p_.constructs.size(), 0);
    for (std::uint32_t c = 0; c < p_.constructs.size(); ++c) {
      if (!find_test(c)) continue;
      const std::uint32_t parent = p_.constructs[c].parent;
      depth[c] = 1 + (parent == kNone ? 0 : depth[parent]);
      if (depth[c] >= kFewestTests) return true;
    }
    return false;
  }

  // Constructs to which a place is of meaning.
  void count_marks() {
    marks_.assign(p_.blocks.size() + 1, 0);
    for (const Construct& one : p_.constructs) {
      if (one.merge < marks_.size()) ++marks_[one.merge];
      if (one.continue_target < marks_.size()) ++marks_[one.continue_target];
      if (one.kind == ConstructKind::kLoop) ++marks_[one.header];
    }
  }

  // Values that somebody beside their block takes.
  void find_uses() {
    for (std::uint32_t b = 0; b < p_.blocks.size(); ++b) {
      const auto use = [&](Id id) {
        const Definition* d = p_.definition(id);
        if (d && d->block != b) used_elsewhere_.insert(id);
      };
      const Block& block = p_.blocks[b];
      for (const Phi& phi : block.phis)
        for (const Incoming& in : phi.incoming) used_elsewhere_.insert(in.value);
      for (const Inst& inst : block.body)
        visit_value_operands(inst, [&](std::size_t i) { use(inst.args[i]); });
      if (block.condition) use(block.condition);
    }
  }

  std::optional<std::uint64_t> number(Id id) const {
    const spirv::Constant* c = p_.constant(id);
    const spirv::Type* type = c ? p_.module->type(c->type) : nullptr;
    if (!type || type->kind != spirv::TypeKind::kInt || c->is_undef || !c->parts.empty())
      return std::nullopt;
    return c->is_null ? 0 : c->bits;
  }

  std::optional<Test> find_test(std::uint32_t c) const {
    const Construct& one = p_.constructs[c];
    if (one.kind != ConstructKind::kSelection || one.begin != one.header ||
        one.merge >= p_.blocks.size())
      return std::nullopt;
    const Block& head = p_.blocks[one.header];
    if (head.exit != Exit::kBranch || head.construct != c || head.barrier_after)
      return std::nullopt;
    const Inst* compare = p_.inst(head.condition);
    if (!compare || (compare->op != spv::Op::OpIEqual && compare->op != spv::Op::OpINotEqual))
      return std::nullopt;
    for (std::size_t side = 0; side < 2; ++side)
      if (const auto literal = number(compare->args[1 - side])) {
        const std::size_t yes = compare->op == spv::Op::OpIEqual ? 0 : 1;
        return Test{c, compare->args[side], *literal, head.targets[yes], head.targets[1 - yes]};
      }
    return std::nullopt;
  }

  // Does more happen to those whom a test finds than that they get other values?
  bool is_long(const Test& test) const {
    constexpr std::size_t kShort = 8;
    const Block& side = p_.blocks[test.yes];
    return side.construct != test.construct || side.exit != Exit::kJump ||
           side.targets[0] != p_.constructs[test.construct].merge || side.body.size() > kShort ||
           std::ranges::any_of(side.body, [](const Inst& inst) {
             return !inst.id || inst.op == spv::Op::OpLoad || inst.op == kCallResult ||
                    inst.op == spv::Op::OpExtInst;
           });
  }

  // The tests that begin with a selection's.
  std::vector<Test> row_from(std::uint32_t c) {
    std::vector<Test> row;
    std::optional<Test> test = find_test(c);
    std::uint32_t selector = 0;
    while (test) {
      const Construct& one = p_.constructs[test->construct];
      const Block& side = p_.blocks[test->yes];
      if (test->yes == one.merge || !p_.contains(test->construct, test->yes) ||
          side.predecessors.size() != 1 || !side.phis.empty())
        break;
      // Who goes to the end by any way would come to it from the switch: nobody else's end.
      if (row.empty() && marks_[one.merge] != 1) break;
      const std::uint32_t now = numbers_.number_of(test->selector);
      if (!row.empty() && now != selector) break;
      selector = now;
      row.push_back(*test);
      test = next_test(*test);
    }
    return row;
  }

  // What is asked of those who failed one, if that is all that happens to them.
  std::optional<Test> next_test(const Test& before) const {
    const std::uint32_t b = before.no;
    if (!p_.contains(before.construct, b)) return std::nullopt;
    const Block& head = p_.blocks[b];
    const std::uint32_t c = head.construct;
    const Construct& one = p_.constructs[c];
    if (one.parent != before.construct || one.header != b || marks_[b] != 0 ||
        head.predecessors.size() != 1 || !head.phis.empty())
      return std::nullopt;
    const auto test = find_test(c);
    if (!test || !only_asks(b)) return std::nullopt;
    const std::uint32_t around = p_.constructs[before.construct].merge;
    const Block& merge = p_.blocks[one.merge];
    if (marks_[one.merge] != 1 || merge.construct != before.construct || !merge.body.empty() ||
        merge.barrier_after)
      return std::nullopt;
    // Where nobody comes to, nobody goes on from.
    if (!merge.predecessors.empty() && (merge.exit != Exit::kJump || merge.targets[0] != around))
      return std::nullopt;
    for (const std::uint32_t from : merge.predecessors) {
      const Block& last = p_.blocks[from];
      if (!p_.contains(c, from) || std::ranges::count(last.targets, around) != 0 ||
          std::ranges::count(last.cases, around, &Case::target) != 0)
        return std::nullopt;
    }
    return test;
  }

  // Has a block no effect, and nothing that others take?
  bool only_asks(std::uint32_t b) const {
    return std::ranges::all_of(p_.blocks[b].body, [&](const Inst& inst) {
      if (!inst.id || used_elsewhere_.contains(inst.id)) return false;
      switch (inst.op) {
        case spv::Op::OpLoad:
          return !is_shared_live(p_, inst);
        case spv::Op::OpAccessChain:
        case spv::Op::OpInBoundsAccessChain:
        case spv::Op::OpCompositeExtract:
        case spv::Op::OpBitcast:
        case spv::Op::OpUConvert:
        case spv::Op::OpSConvert:
        case spv::Op::OpIAdd:
        case spv::Op::OpISub:
        case spv::Op::OpIMul:
        case spv::Op::OpIEqual:
        case spv::Op::OpINotEqual:
          return true;
        default:
          return inst.op >= spv::Op::OpShiftRightLogical && inst.op <= spv::Op::OpNot;
      }
    });
  }

  void make_switch(const std::vector<Test>& row) {
    const Test& first = row.front();
    Construct& whole = p_.constructs[first.construct];
    const std::uint32_t head = whole.header, end = whole.merge;
    std::unordered_set<std::uint32_t> merges{end};
    std::unordered_set<std::uint32_t> heads;
    for (const Test& test : row) {
      merges.insert(p_.constructs[test.construct].merge);
      heads.insert(p_.constructs[test.construct].header);
    }
    join_phis(row, heads);
    const auto lead_on = [&](std::uint32_t& to) {
      if (merges.contains(to)) to = end;
    };
    Block& asks = p_.blocks[head];
    asks.exit = Exit::kSwitch;
    asks.condition = first.selector;
    asks.targets = {row.back().no};
    lead_on(asks.targets[0]);
    asks.cases.clear();
    std::unordered_set<std::uint64_t> seen;
    for (const Test& test : row)
      if (seen.insert(test.literal).second) asks.cases.push_back({test.literal, test.yes});
    for (std::size_t i = 1; i < row.size(); ++i) {
      const Construct& one = p_.constructs[row[i].construct];
      for (const std::uint32_t from : p_.blocks[one.merge].predecessors) {
        for (auto& to : p_.blocks[from].targets) lead_on(to);
        for (auto& way : p_.blocks[from].cases) lead_on(way.target);
      }
      dead_[one.header] = dead_[one.merge] = true;
      gone_[row[i].construct] = true;
    }
    // Whoever comes to the last side comes from the switch.
    if (asks.targets[0] != end)
      for (Phi& phi : p_.blocks[asks.targets[0]].phis)
        for (Incoming& in : phi.incoming)
          if (heads.contains(in.block)) in.block = head;
    whole.kind = ConstructKind::kSwitch;
  }

  static Id value_from(const Block& block, Id value, std::uint32_t from) {
    for (const Phi& phi : block.phis)
      if (phi.id == value)
        for (const Incoming& in : phi.incoming)
          if (in.block == from) return in.value;
    return value;
  }

  // Those who came to an inner merge block come to the outermost one, from where they came.
  void join_phis(const std::vector<Test>& row, const std::unordered_set<std::uint32_t>& heads) {
    const auto merge_of = [&](std::size_t i) { return p_.constructs[row[i].construct].merge; };
    std::vector<Phi> joined;
    // Where nobody else comes to the outer block, what comes together in the inner one is known
    // there and behind it.
    for (std::size_t i = 0; i < row.size(); ++i) {
      for (Phi& phi : p_.blocks[merge_of(i)].phis) {
        Phi one = phi;
        one.incoming = incoming_of(phi, i, row, heads);
        joined.push_back(std::move(one));
      }
      if (i + 1 == row.size() ||
          p_.blocks[merge_of(i)].predecessors != std::vector{merge_of(i + 1)})
        break;
    }
    for (const Phi& phi : joined)
      for (std::size_t i = 1; i < row.size(); ++i)
        std::erase_if(p_.blocks[merge_of(i)].phis, [&](const Phi& p) { return p.id == phi.id; });
    p_.blocks[merge_of(0)].phis = std::move(joined);
  }

  // What a phi of the merge block of test `first` takes from whom, through those inside.
  std::vector<Incoming> incoming_of(const Phi& phi, std::size_t first, const std::vector<Test>& row,
                                    const std::unordered_set<std::uint32_t>& heads) const {
    const std::uint32_t head = p_.constructs[row[0].construct].header;
    const auto merge_of = [&](std::size_t i) { return p_.constructs[row[i].construct].merge; };
    std::vector<Incoming> all;
    Id on = 0;  // what the next inner merge block gives
    const auto take = [&](std::size_t i, Id value, std::uint32_t from) {
      if (i + 1 < row.size() && from == merge_of(i + 1))
        on = value;
      else
        all.push_back({value, heads.contains(from) ? head : from});
    };
    for (const Incoming& in : phi.incoming) take(first, in.value, in.block);
    for (std::size_t i = first + 1; i < row.size() && on != 0; ++i) {
      const Id value = std::exchange(on, 0);
      const Block& merge = p_.blocks[merge_of(i)];
      for (const std::uint32_t from : merge.predecessors)
        take(i, value_from(merge, value, from), from);
    }
    return all;
  }

  Program& p_;
  Numbering numbers_;
  std::vector<bool> dead_, gone_;
  std::vector<std::uint32_t> marks_;
  std::unordered_set<Id> used_elsewhere_;
};

}  // namespace

void make_switches(Program& program) {
  SwitchMaker(program).run();
}

}  // namespace sokr::cpu
