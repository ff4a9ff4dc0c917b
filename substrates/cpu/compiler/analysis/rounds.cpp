// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What joining costs is code: four times the loop's. It gives
// - elements of Workgroup memory that lie side by side in the direction of the counter (a row of a
//   tile, read along its depth) as one access of four components. On Zen 4, 16 lanes that lie
//   apart cost 11 instructions an element alone, and 3 where four move together.
// - sums that are more than there are registers: each is read and written once in four rounds.
#include "compiler/analysis/rounds.hpp"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "compiler/analysis/neighbours.hpp"
#include "compiler/program/numbering.hpp"

namespace sokr::cpu {
namespace {

constexpr std::uint32_t kTogether = kMostNeighbours;
constexpr std::size_t kMostOfARound = 640;  // of a round, those that become nothing included

using Values = std::unordered_map<Id, Id>;

// A loop of straight code whose counter advances by a constant.
struct Straight {
  std::uint32_t test = kNone;  // the block that leaves
  Id counter = 0;              // phi
  std::uint32_t step = 0;
};

class Joiner {
 public:
  Joiner(Program& program, const Analysis& analysis, const Geometry& geometry,
         std::uint32_t registers)
      : p_(program), a_(analysis), g_(geometry), registers_(registers) {}

  bool run() {
    std::vector<std::pair<std::uint32_t, Straight>> chosen;
    for (std::uint32_t c = 0; c < p_.constructs.size(); ++c) {
      if (p_.constructs[c].kind != ConstructKind::kLoop || a_.constructs[c]) continue;
      const auto straight = as_straight(c);
      if (straight && (reads_neighbours(p_.constructs[c], *straight) || spills(p_.constructs[c])))
        chosen.emplace_back(c, *straight);
    }
    for (const auto& [c, straight] : chosen) join(p_.constructs[c], straight);
    if (!chosen.empty()) index_definitions(p_);
    return !chosen.empty();
  }

 private:
  std::optional<std::uint64_t> bits_of(Id id) const {
    const spirv::Constant* c = p_.constant(id);
    if (!c || c->is_undef || !c->parts.empty()) return std::nullopt;
    return c->is_null ? 0 : c->bits;
  }

  std::optional<Straight> as_straight(std::uint32_t construct) const {
    const Construct& loop = p_.constructs[construct];
    if (loop.header != loop.begin || loop.merge != loop.end || loop.has_barrier ||
        loop.end - loop.begin < 2)
      return std::nullopt;
    Straight out;
    std::size_t instructions = 0;
    for (std::uint32_t b = loop.begin; b < loop.end; ++b) {
      const Block& block = p_.blocks[b];
      const bool last = b + 1 == loop.end;
      instructions += block.body.size();
      if (block.construct != construct || block.barrier_after ||
          (b != loop.begin && !block.phis.empty()) ||
          block.predecessors.size() != (b == loop.begin ? 2u : 1u))
        return std::nullopt;
      if (block.exit == Exit::kJump) {
        if (block.targets[0] != (last ? loop.begin : b + 1)) return std::nullopt;
        continue;
      }
      // The one test.
      if (block.exit != Exit::kBranch || out.test != kNone || last || block.targets[0] != b + 1 ||
          block.targets[1] != loop.end)
        return std::nullopt;
      out.test = b;
    }
    if (out.test == kNone || instructions > kMostOfARound) return std::nullopt;
    return counted(loop, out) ? std::optional(out) : std::nullopt;
  }

  // Does it make a multiple of that many rounds?
  bool counted(const Construct& loop, Straight& out) const {
    const Inst* less = p_.inst(p_.blocks[out.test].condition);
    if (!less || (less->op != spv::Op::OpULessThan && less->op != spv::Op::OpSLessThan))
      return false;
    out.counter = look_through(p_, less->args[0]);
    const Phi* phi = p_.phi(out.counter);
    if (!phi || p_.definition(out.counter)->block != loop.header) return false;
    const auto end = bits_of(less->args[1]);
    std::optional<std::uint64_t> begin, step;
    for (const Incoming& in : phi->incoming) {
      if (in.block < loop.begin) {
        begin = bits_of(in.value);
        continue;
      }
      const Inst* sum = p_.inst(look_through(p_, in.value));
      if (sum && sum->op == spv::Op::OpIAdd && look_through(p_, sum->args[0]) == phi->id)
        step = bits_of(sum->args[1]);
    }
    const std::uint64_t most = INT32_MAX / 2;
    if (!begin || !step || !end || *step == 0 || *step > most || *end > most || *begin >= *end)
      return false;
    out.step = static_cast<std::uint32_t>(*step);
    return ((*end - *begin + *step - 1) / *step) % kTogether == 0;
  }

  // Do later rounds read what lies beside that which this one reads?
  bool reads_neighbours(const Construct& loop, const Straight& straight) const {
    Numbering numbers(p_);
    const std::uint32_t counter = numbers.number_of(straight.counter);
    std::size_t found = 0;
    for (std::uint32_t b = loop.begin; b < loop.end; ++b)
      for (const Inst& inst : p_.blocks[b].body) {
        if (inst.op == spv::Op::OpStore && !private_place(p_, inst.args[0])) return false;
        if (inst.op != spv::Op::OpLoad || !has_neighbours(p_, inst.args[0]) ||
            !lies_apart(p_, a_, inst.args[0], kTogether))
          continue;
        const auto& factors =
            numbers.sum_of(p_.inst(look_through(p_, inst.args[0]))->args.back()).factors;
        const auto it = factors.find(counter);
        found += it != factors.end() && it->second * straight.step == 1;
      }
    return found > 0;
  }

  // Are its sums more than the registers, and is it likely that no access in it is tested? A test
  // parts the round, and the terms of a sum do not come together.
  bool spills(const Construct& loop) const {
    for (std::uint32_t b = loop.begin; b < loop.end; ++b)
      for (const Inst& inst : p_.blocks[b].body) {
        if (inst.op != spv::Op::OpLoad && inst.op != spv::Op::OpStore) continue;
        const spirv::Variable* variable = p_.module->variable(root_of(p_, inst.args[0]));
        const bool is_private = private_place(p_, inst.args[0]).has_value();
        if (!is_private && (inst.op == spv::Op::OpStore || !variable ||
                            variable->storage != spv::StorageClass::Workgroup))
          return false;
      }
    const std::size_t tile = private_tile(p_, loop) * g_.chunks;
    return tile > registers_ * 3 / 4 && tile <= std::size_t{3} * registers_;
  }

  Id fresh(Id type) {
    p_.definitions.push_back({type, kNone, -1});
    return p_.module->bound() + static_cast<Id>(p_.definitions.size()) - 1;
  }

  // The later rounds follow in the last block. Their tests go: each would go on.
  void join(const Construct& loop, const Straight& straight) {
    Block& last = p_.blocks[loop.end - 1];
    std::vector<Inst> round;
    for (std::uint32_t b = loop.begin; b < loop.end; ++b)
      round.insert(round.end(), p_.blocks[b].body.begin(), p_.blocks[b].body.end());
    // Behind the test all is one block.
    std::vector<Inst> first;
    for (std::uint32_t b = straight.test + 1; b < loop.end; ++b) {
      first.insert(first.end(), p_.blocks[b].body.begin(), p_.blocks[b].body.end());
      p_.blocks[b].body.clear();
    }
    last.body = std::move(first);
    const Id condition = p_.blocks[straight.test].condition;
    // What counters are from the first round's on.
    struct Beside {
      Id from = 0;
      std::uint64_t constant = 0;
    };
    std::unordered_map<Id, Beside> beside;
    Values values;
    const auto mapped = [&](Id id) {
      const auto it = values.find(id);
      return it == values.end() ? id : it->second;
    };
    const auto note_sum = [&](const Inst& inst) {
      const spirv::Type* type = p_.module->type(inst.type);
      if (inst.op != spv::Op::OpIAdd || !type || type->kind != spirv::TypeKind::kInt ||
          type->width != 32)
        return;
      const auto by = bits_of(inst.args[1]);
      const bool header = p_.phi(inst.args[0]) && p_.definition(inst.args[0])->block == loop.header;
      if (by && header) beside[inst.id] = {inst.args[0], *by};
    };
    for (const Inst& inst : round) note_sum(inst);
    for (std::uint32_t i = 1; i < kTogether; ++i) {
      Values next;
      for (const Phi& phi : p_.blocks[loop.header].phis)
        for (const Incoming& in : phi.incoming)
          if (in.block >= loop.begin) next[phi.id] = mapped(in.value);
      values = std::move(next);
      for (const Inst& one : round) {
        if (one.id && one.id == condition) continue;
        Inst inst = one;
        for (std::size_t k = 0; k < inst.args.size(); ++k)
          if (operand_is_value(inst.op, k, inst.args)) inst.args[k] = mapped(inst.args[k]);
        if (inst.id) {
          inst.id = fresh(inst.type);
          values[one.id] = inst.id;
          // Counters are written as the first round's and a constant, which is how ranges see
          // that they stay inside.
          const auto by = inst.op == spv::Op::OpIAdd ? bits_of(inst.args[1]) : std::nullopt;
          if (const auto it = by ? beside.find(inst.args[0]) : beside.end(); it != beside.end()) {
            const Beside sum{it->second.from, (it->second.constant + *by) & UINT32_MAX};
            inst.args = {sum.from, add_constant(p_, inst.type, sum.constant)};
            beside[inst.id] = sum;
          }
        }
        last.body.push_back(std::move(inst));
      }
    }
    for (Phi& phi : p_.blocks[loop.header].phis)
      for (Incoming& in : phi.incoming)
        if (in.block >= loop.begin) in.value = mapped(in.value);
  }

  Program& p_;
  const Analysis& a_;
  const Geometry& g_;
  const std::uint32_t registers_;
};

}  // namespace

bool join_rounds(Program& program, const Analysis& analysis, const Geometry& geometry,
                 std::uint32_t registers) {
  return Joiner(program, analysis, geometry, registers).run();
}

}  // namespace sokr::cpu
