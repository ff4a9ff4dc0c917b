// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/analysis/analysis.hpp"

#include <algorithm>
#include <bit>

#include "compiler/analysis/transfer.hpp"

namespace sokr::cpu {
namespace {

class Analyser {
 public:
  Analyser(const Program& program, const Geometry& geometry) : p_(program), g_(geometry) {
    bound_ = p_.module->bound();
    r_.values.resize(p_.definitions.size());
    r_.constructs.resize(p_.constructs.size());
    r_.leaves_loop.assign(p_.definitions.size(), kNone);
    r_.masks.resize(p_.blocks.size());
    find_escapes();
    for (const auto& [id, constant] : p_.constants)
      r_.values[id - bound_] = constant_shapes(p_, id);
    for (const auto& variable : p_.variables) {
      if (variable.in_memory) r_.dynamic[variable.id] = true;
      r_.variables[variable.id].resize(variable.in_memory ? 1
                                                          : leaf_count(*p_.module, variable.type));
    }
  }

  Analysis run() {
    do {
      settle();
    } while (start_unwritten());
    return std::move(r_);
  }

 private:
  void settle() {
    do {
      changed_ = false;
      for (std::uint32_t b = 0; b < p_.blocks.size(); ++b) visit_block(b);
      find_divergence();
    } while (changed_);
  }

  // What nothing has written by now holds zeros. Then a value that goes round a loop and comes from
  // nowhere, or from a call that never returns, may be anything.
  bool start_unwritten() {
    bool some = false;
    for (auto& [id, all] : r_.variables)
      for (auto& s : all)
        if (!s.known) {
          s = Shape::uniform();
          some = true;
        }
    if (some) return true;
    for (const Block& block : p_.blocks)
      for (const Phi& phi : block.phis) {
        Shapes& all = r_.values[phi.id - bound_];
        if (all.empty())
          all.resize(is_large(*p_.module, phi.type) ? 1 : leaf_count(*p_.module, phi.type));
        for (Shape& s : all)
          if (!s.known) {
            s = Shape::uniform();
            some = true;
          }
      }
    return some;
  }

  // ---- Values ----

  Shapes shapes(Id id, std::uint32_t user) {
    if (id >= bound_) {
      if (id - bound_ >= r_.values.size()) return {};
      Shapes out = r_.values[id - bound_];
      Divergence d = exit_divergence(id, user);
      if (d)
        for (auto& s : out) s = widen(s, d);
      return out;
    }
    return constant_shapes(p_, id);
  }

  // The divergence of the loops that a value leaves on its way to its user.
  Divergence exit_divergence(Id id, std::uint32_t user) {
    Divergence d;
    const Definition* def = p_.definition(id);
    if (!def || def->block == kNone || def->block == user) return d;
    for (std::uint32_t c = p_.blocks[def->block].construct; c != kNone;
         c = p_.constructs[c].parent) {
      if (p_.contains(c, user)) break;
      if (p_.constructs[c].kind != ConstructKind::kLoop || !r_.constructs[c]) continue;
      d |= r_.constructs[c];
      r_.leaves_loop[id - bound_] = outermost(r_.leaves_loop[id - bound_], c);
    }
    return d;
  }

  std::uint32_t outermost(std::uint32_t a, std::uint32_t b) const {
    if (a == kNone) return b;
    const auto &x = p_.constructs[a], &y = p_.constructs[b];
    return y.begin <= x.begin && y.end >= x.end ? b : a;
  }

  void update(Shapes& place, const Shapes& now) {
    if (place.size() < now.size()) place.resize(now.size());
    for (std::size_t i = 0; i < now.size(); ++i) {
      Shape joined = canonical(join(place[i], now[i]), g_);
      if (joined == place[i]) continue;
      place[i] = joined;
      changed_ = true;
    }
  }

  void visit_block(std::uint32_t b) {
    const Block& block = p_.blocks[b];
    for (const auto& phi : block.phis) visit_phi(phi, b);
    for (const auto& inst : block.body) visit_inst(inst, b);
  }

  void visit_phi(const Phi& phi, std::uint32_t b) {
    Shapes all;
    for (const auto& in : phi.incoming) {
      Shapes one = shapes(in.value, in.block);
      if (all.size() < one.size()) all.resize(one.size());
      for (std::size_t i = 0; i < one.size(); ++i) all[i] = join(all[i], one[i]);
    }
    Divergence blend = phi_divergence(p_, r_, b);
    if (blend)
      for (auto& s : all) s = widen(s, blend);
    update(r_.values[phi.id - bound_], all);
  }

  void visit_inst(const Inst& inst, std::uint32_t b) {
    if (inst.op == spv::Op::OpStore || inst.op == spv::Op::OpCopyMemory ||
        inst.op == kCopyAggregate)
      return visit_store(inst, b);
    if (inst.op == spv::Op::OpExtInst) visit_pointer_results(inst, b);
    if (!inst.id) return;
    if (inst.op == spv::Op::OpLoad)
      return update(r_.values[inst.id - bound_], load_shapes(inst, b));
    Operands operands;
    for (std::size_t i = 0; i < inst.args.size(); ++i)
      operands.push_back(operand_is_value(inst.op, i, inst.args) ? shapes(inst.args[i], b)
                                                                 : Shapes{});
    for (std::size_t i = 0; i < operands.size(); ++i) {
      if (operands[i].empty() && operand_is_value(inst.op, i, inst.args) &&
          is_awaited(inst.args[i]))
        return;
      for (const auto& s : operands[i])
        if (!s.known) return;
    }
    update(r_.values[inst.id - bound_], transfer(p_, g_, inst, operands));
  }

  // A value that has leaves, none of which has a shape yet. Pointers to private variables have
  // none.
  bool is_awaited(Id id) const {
    return id >= bound_ && r_.values[id - bound_].empty() &&
           !private_variable(p_, root_of(p_, id)) && leaf_count(*p_.module, p_.type_of(id)) != 0;
  }

  Shapes load_shapes(const Inst& inst, std::uint32_t b) {
    std::uint32_t count = leaf_count(*p_.module, inst.type);
    Id root = root_of(p_, inst.args[0]);
    const spirv::Variable* variable = p_.module->variable(root);
    if (variable && variable->builtin) {
      Shapes all = builtin_shapes(*variable->builtin, g_);
      if (all.size() == count) return all;
      auto place = private_place(p_, inst.args[0]);
      if (place && place->leaf && *place->leaf < all.size() && count == 1)
        return {all[*place->leaf]};
      // One that a number chooses: another one for each lane if the number is.
      Shape sum = shape_of(address_divergence(inst.args[0], b));
      for (const auto& s : all) sum = shape_of(merged(divergence_of(sum), divergence_of(s)));
      return Shapes(count, sum);
    }
    const PrivateVariable* own = private_variable(p_, root);
    auto place = own ? private_place(p_, inst.args[0]) : std::nullopt;
    if (place && own->table && place->leaf) return Shapes(count, Shape::uniform());
    if (place && !own->table) return private_load(*place, inst, b, count);
    Shapes address = shapes(inst.args[0], b);
    Divergence d;
    for (const auto& s : address) {
      if (!s.known) return {};
      d |= divergence_of(s);
    }
    return Shapes(count, shape_of(d));
  }

  Shapes private_load(const PrivatePlace& place, const Inst& inst, std::uint32_t b,
                      std::uint32_t count) {
    const Shapes& all = r_.variables[place.variable];
    if (place.leaf && !r_.dynamic[place.variable]) {
      Shapes out;
      for (std::uint32_t i = 0; i < count; ++i) {
        out.push_back(*place.leaf + i < all.size() ? all[*place.leaf + i] : Shape::varying());
      }
      return out;
    }
    Divergence d = address_divergence(inst.args[0], b);
    for (const auto& s : all) {
      if (!s.known) return {};
      d |= divergence_of(s);
    }
    return Shapes(count, shape_of(d));
  }

  Divergence address_divergence(Id pointer, std::uint32_t b) {
    Divergence d;
    for (const auto& s : shapes(pointer, b)) d |= divergence_of(s);
    return d;
  }

  void visit_store(const Inst& inst, std::uint32_t b) {
    auto place = private_place(p_, inst.args[0]);
    if (!place) return;
    Shapes value;
    if (inst.op == spv::Op::OpStore) {
      value = shapes(inst.args[1], b);
    } else if (inst.op == kCopyAggregate) {
      value = {copied_shape(inst, b)};
    } else {
      const spirv::Type* t = p_.module->type(p_.type_of(inst.args[1]));
      Inst load;
      load.type = t ? t->element : 0;
      load.args = {inst.args[1]};
      value = load_shapes(load, b);
    }
    store_private(*place, value, inst.args[0], b);
  }

  // Of all that a copy takes.
  Shape copied_shape(const Inst& copy, std::uint32_t b) {
    Divergence d;
    if (copy.args[2] != 0)
      for (const auto& s : shapes(copy.args[2], b)) d |= divergence_of(s);
    if (p_.constant(copy.args[1])) return shape_of(d);
    auto place = private_place(p_, copy.args[1]);
    d |= address_divergence(copy.args[1], b);
    if (place)
      for (const auto& s : r_.variables[place->variable]) d |= divergence_of(s);
    return shape_of(d);
  }

  // Modf and Frexp write through a pointer.
  void visit_pointer_results(const Inst& inst, std::uint32_t b) {
    if (inst.args.size() < 4) return;
    auto place = private_place(p_, inst.args[3]);
    if (place) store_private(*place, shapes(inst.args[2], b), inst.args[3], b);
  }

  void store_private(const PrivatePlace& place, const Shapes& value, Id pointer, std::uint32_t b) {
    Shapes& all = r_.variables[place.variable];
    Divergence mask = r_.masks[b];
    const PrivateVariable* variable = private_variable(p_, place.variable);
    if (place.leaf && !(variable && variable->in_memory)) {
      Shapes now(all.size());
      for (std::size_t i = 0; i < value.size() && *place.leaf + i < all.size(); ++i)
        now[*place.leaf + i] = widen(value[i], mask);
      update(all, now);
      return;
    }
    if (!r_.dynamic[place.variable]) changed_ = r_.dynamic[place.variable] = true;
    Divergence d = address_divergence(pointer, b);
    d |= mask;
    for (const auto& s : value) d |= divergence_of(s);
    if (g_.partial) d = {true, true};  // lane 0 need not have come, and written anything
    update(all, Shapes(all.size(), shape_of(d)));
  }

  // ---- Control flow ----

  void find_escapes() {
    r_.escapes.assign(p_.constructs.size(), false);
    for (std::uint32_t b = 0; b < p_.blocks.size(); ++b) {
      auto edge = [&](std::uint32_t target) {
        for (std::uint32_t c = p_.blocks[b].construct; c != kNone; c = p_.constructs[c].parent) {
          if (p_.contains(c, target)) break;
          if (target == p_.constructs[c].merge) break;
          r_.escapes[c] = true;
        }
      };
      for (auto target : p_.blocks[b].targets) edge(target);
      for (const auto& one : p_.blocks[b].cases) edge(one.target);
    }
  }

  void diverge(std::uint32_t construct, Divergence d) {
    for (std::uint32_t c = construct; c != kNone; c = p_.constructs[c].parent) {
      Divergence now = r_.constructs[c];
      now |= d;
      if (!(now == r_.constructs[c])) {
        r_.constructs[c] = now;
        changed_ = true;
      }
      if (!r_.escapes[c]) break;
    }
  }

  void find_divergence() {
    for (std::uint32_t b = 0; b < p_.blocks.size(); ++b) {
      const Block& block = p_.blocks[b];
      if (block.exit != Exit::kBranch && block.exit != Exit::kSwitch) continue;
      Divergence d;
      for (const auto& s : shapes(block.condition, b)) d |= divergence_of(s);
      if (g_.chunks == 1) d.chunk = false;
      if (d) diverge(block.construct, d);
    }
    for (std::uint32_t b = 0; b < p_.blocks.size(); ++b) {
      Divergence d;
      for (std::uint32_t c = p_.blocks[b].construct; c != kNone; c = p_.constructs[c].parent)
        d |= r_.constructs[c];
      if (!(d == r_.masks[b])) {
        r_.masks[b] = d;
        changed_ = true;
      }
    }
  }

  const Program& p_;
  const Geometry& g_;
  Id bound_ = 0;
  Analysis r_;
  bool changed_ = false;
};

}  // namespace

Divergence phi_divergence(const Program& program, const Analysis& analysis, std::uint32_t block) {
  Divergence d;
  const Block& b = program.blocks[block];
  const Construct& own = program.constructs[b.construct];
  // Those who go round a loop together came the same way.
  if (own.kind == ConstructKind::kLoop && own.header == block && b.predecessors.size() <= 2)
    return d;
  bool meet = b.predecessors.size() > 1;
  for (std::uint32_t pred : b.predecessors)
    for (std::uint32_t c = program.blocks[pred].construct; c != kNone;
         c = program.constructs[c].parent) {
      // With one way only, what counts is whether they came by it in several rounds.
      if (!meet && program.constructs[c].kind != ConstructKind::kLoop) {
        if (program.contains(c, block)) break;
        continue;
      }
      if (!meet && program.contains(c, block)) break;
      // A construct around both parts them only if its own branches lead here.
      if (program.contains(c, block)) {
        const Construct& around = program.constructs[c];
        if (around.kind == ConstructKind::kSelection || around.kind == ConstructKind::kSwitch ||
            around.continue_target == block)
          d |= analysis.constructs[c];
        break;
      }
      d |= analysis.constructs[c];
    }
  return d;
}

Analysis analyse(const Program& program, const Geometry& geometry) {
  return Analyser(program, geometry).run();
}

}  // namespace sokr::cpu
