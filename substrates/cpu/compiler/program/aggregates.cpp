// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Values of many scalars. An array of a thousand elements is one value in SPIR-V; as a register
// for each element and each register of invocations it would be code and compile time without
// bound. Such values lie in private memory instead: a load copies into it, a store copies out of
// it, and a part is taken where it lies. A value that is read from memory that nobody writes before
// its last use is that memory itself. Copies become loops (emit/memory/copies.cpp).
#include <algorithm>
#include <array>
#include <unordered_map>
#include <unordered_set>

#include "compiler/program/memory_layout.hpp"
#include "compiler/program/program.hpp"
#include "compiler/program/queries.hpp"
#include "compiler/program/support.hpp"

namespace sokr::cpu {
namespace {

class Aggregates {
 public:
  Aggregates(Program& program, bool assume_no_alias)
      : p_(program), m_(*program.module), no_alias_(assume_no_alias) {}

  Result<void> run() {
    SOKR_TRY(find());
    if (!some_) {
      mark_copied();
      return measure();
    }
    for (std::uint32_t b = 0; b < p_.blocks.size(); ++b) SOKR_TRY(place_block(b));
    for (std::uint32_t b = 0; b < p_.blocks.size(); ++b) SOKR_TRY(rewrite_block(b));
    replace_values(p_, constants_);
    remove_phis();
    std::ranges::sort(p_.variables, {}, &PrivateVariable::id);
    index_definitions(p_);
    mark_copied();
    return measure();
  }

 private:
  struct Use {
    std::uint32_t block = 0, index = 0;  // kNone: a phi
  };

  Id fresh(Id type) {
    p_.definitions.push_back({type, kNone, -1});
    return m_.bound() + static_cast<Id>(p_.definitions.size()) - 1;
  }

  bool is_large_value(Id type) const {
    const spirv::Type* t = m_.type(type);
    return t && t->kind != spirv::TypeKind::kPointer && is_large(m_, type);
  }

  // ---- What there is ----

  Result<void> find() {
    for (std::uint32_t b = 0; b < p_.blocks.size(); ++b) {
      for (const auto& phi : p_.blocks[b].phis)
        if (is_large_value(phi.type)) {
          some_ = true;
          for (const auto& in : phi.incoming) uses_[in.value].push_back({b, kNone});
        }
      const auto& body = p_.blocks[b].body;
      for (std::uint32_t i = 0; i < body.size(); ++i) {
        const Inst& inst = body[i];
        bool large = inst.id && is_large_value(inst.type);
        visit_value_operands(inst, [&](std::size_t k) {
          if (!is_large_value(p_.type_of(inst.args[k]))) return;
          large = true;
          uses_[inst.args[k]].push_back({b, i});
        });
        if (inst.op == spv::Op::OpCopyMemory) large |= is_large_value(pointee_of(inst.args[0]));
        some_ |= large;
        if (large && !is_known(inst.op))
          return fail(SOKR_CAPABILITY_DENIED,
                      "{} takes or gives a value of more than {} scalars, which this substrate "
                      "only copies, takes apart and puts together",
                      spirv::op_name(inst.op), kMostLeaves);
      }
    }
    return {};
  }

  static bool is_known(spv::Op op) {
    switch (op) {
      case spv::Op::OpLoad:
      case spv::Op::OpStore:
      case spv::Op::OpCopyMemory:
      case spv::Op::OpUndef:
      case spv::Op::OpCopyObject:
      case spv::Op::OpCopyLogical:
      case spv::Op::OpSelect:
      case spv::Op::OpCompositeConstruct:
      case spv::Op::OpCompositeExtract:
      case spv::Op::OpCompositeInsert:
        return true;
      default:
        return false;
    }
  }

  Id pointee_of(Id pointer) const {
    const spirv::Type* type = m_.type(p_.type_of(pointer));
    return type && type->kind == spirv::TypeKind::kPointer ? type->element : 0;
  }

  // ---- Where values lie ----

  Id make_variable(Id type) {
    Id id = fresh(0);
    PrivateVariable variable;
    variable.id = id;
    variable.type = type;
    variable.temporary = true;
    p_.variables.push_back(std::move(variable));
    return id;
  }

  Id null_of(Id type) {
    auto [it, is_new] = nulls_.try_emplace(type, 0);
    if (is_new) {
      it->second = add_constant(p_, type, 0);
      p_.constants[it->second].is_null = true;
    }
    return it->second;
  }

  // A constant that a large value is: undefined values are zeros.
  Id final_constant(Id id) const {
    for (auto it = constants_.find(id); it != constants_.end(); it = constants_.find(id))
      id = it->second;
    return id;
  }

  Id part_of_constant(Id constant, std::span<const std::uint32_t> path, Id type) {
    for (std::uint32_t index : path) {
      const spirv::Constant* c = p_.constant(constant);
      if (!c || c->is_null || c->is_undef || index >= c->parts.size()) return null_of(type);
      constant = c->parts[index];
    }
    const spirv::Constant* c = p_.constant(constant);
    return c && (c->is_null || c->is_undef) ? null_of(type) : constant;
  }

  Result<void> place_block(std::uint32_t b) {
    // Blocks are only read here; new instructions are made by rewrite_block.
    for (const auto& phi : p_.blocks[b].phis)
      if (is_large_value(phi.type)) {
        places_[phi.id] = make_variable(phi.type);
        incoming_[phi.id] = make_variable(phi.type);
      }
    for (std::uint32_t i = 0; i < p_.blocks[b].body.size(); ++i) {
      const Inst inst = p_.blocks[b].body[i];
      if (!inst.id || !is_large_value(inst.type)) continue;
      switch (inst.op) {
        case spv::Op::OpUndef:
          constants_[inst.id] = null_of(inst.type);
          break;
        case spv::Op::OpLoad:
          places_[inst.id] = stays(inst, b, i) ? inst.args[0] : make_variable(inst.type);
          break;
        case spv::Op::OpCopyObject:
        case spv::Op::OpCopyLogical:
        case spv::Op::OpCompositeExtract:
          break;  // where their operand lies
        default:
          places_[inst.id] = make_variable(inst.type);
      }
    }
    return {};
  }

  static bool is_view(spv::Op op) {
    return op == spv::Op::OpCopyObject || op == spv::Op::OpCopyLogical ||
           op == spv::Op::OpCompositeExtract;
  }

  // The last instruction of the block that looks at a value or a part of it; nothing if others do.
  std::optional<std::uint32_t> last_use(Id id, std::uint32_t b, std::uint32_t from, int depth) {
    if (depth > 16) return std::nullopt;
    std::uint32_t last = from;
    for (const Use& use : uses_[id]) {
      if (use.block != b || use.index == kNone) return std::nullopt;
      last = std::max(last, use.index);
      const Inst& by = p_.blocks[b].body[use.index];
      if (!is_view(by.op) || !is_large_value(by.type)) continue;
      auto further = last_use(by.id, b, use.index, depth + 1);
      if (!further) return std::nullopt;
      last = std::max(last, *further);
    }
    return last;
  }

  // Is what a load gives still where it was read until its last use?
  bool stays(const Inst& load, std::uint32_t b, std::uint32_t at) {
    constexpr std::uint32_t kFar = 4096;
    auto last = last_use(load.id, b, at, 0);
    if (!last || *last - at > kFar) return false;
    const Id root = root_of(p_, load.args[0]);
    const auto& body = p_.blocks[b].body;
    for (std::uint32_t i = at + 1; i < *last; ++i)
      if (may_write(body[i], root)) return false;
    if (*last == at || body[*last].op != spv::Op::OpStore) return true;
    return are_apart(root, root_of(p_, body[*last].args[0]));
  }

  bool is_private(Id root) const { return private_variable(p_, root) != nullptr; }

  bool may_write(const Inst& inst, Id root) const {
    switch (inst.op) {
      case spv::Op::OpStore:
      case spv::Op::OpCopyMemory: {
        const Id to = root_of(p_, inst.args[0]);
        return !to || to == root || !(is_private(to) || is_private(root));
      }
      case spv::Op::OpExtInst:
      case spv::Op::OpFunctionCall:
      case spv::Op::OpControlBarrier:
      case spv::Op::OpMemoryBarrier:
        return true;
      default:
        return inst.op == kCall || inst.op == kCopyAggregate ||
               handler_of(inst.op) == Handler::kAtomic;
    }
  }

  // May one be copied into the other element by element? Parts of one variable are the same or
  // apart.
  bool are_apart(Id from, Id to) const {
    if (!from || !to) return false;
    if (is_private(from) || is_private(to)) return true;
    const spirv::Variable *a = m_.variable(from), *b = m_.variable(to);
    if (!a || !b) return false;
    const auto several = [&](const spirv::Variable& v) {
      const spirv::Type* t = m_.type(v.pointee);
      return v.storage != spv::StorageClass::Workgroup && t &&
             (t->kind == spirv::TypeKind::kArray || t->kind == spirv::TypeKind::kRuntimeArray);
    };
    if (from == to) return !several(*a);
    return no_alias_ && !a->aliased && !b->aliased;
  }

  // ---- Rewriting ----

  Inst make_copy(Id to, Id from, Id type, Id condition = 0) {
    Inst inst;
    inst.op = kCopyAggregate;
    inst.args = {to, from, condition, type};
    steps_ += steps_of(type);
    return inst;
  }

  // Of a value that may be a constant, or small.
  Inst make_store(Id to, Id value, Id type) {
    value = final_constant(value);
    if (auto it = places_.find(value); it != places_.end()) return make_copy(to, it->second, type);
    Inst inst;
    inst.op = spv::Op::OpStore;
    inst.args = {to, value};
    if (is_large_value(type)) steps_ += steps_of(type);
    return inst;
  }

  Result<Id> index_constant(std::uint32_t index) {
    auto [it, is_new] = indices_.try_emplace(index, 0);
    if (!is_new) return it->second;
    Id best = 0;
    for (Id id = 1; id < m_.bound() && best == 0; ++id) {
      const spirv::Type* type = m_.type(id);
      if (type && type->kind == spirv::TypeKind::kInt && type->width >= 32) best = id;
    }
    if (!best)
      return fail(SOKR_CAPABILITY_DENIED,
                  "the kernel takes large composites apart, but has no integer type of 32 bits");
    return it->second = add_constant(p_, best, index);
  }

  // A pointer to a part.
  Result<Id> make_chain(Id pointer, std::span<const std::uint32_t> path, std::vector<Inst>& out) {
    Inst inst;
    inst.op = spv::Op::OpAccessChain;
    inst.type = p_.type_of(pointer);
    inst.id = fresh(inst.type);
    inst.args = {pointer};
    for (std::uint32_t index : path) {
      SOKR_ASSIGN(Id constant, index_constant(index));
      inst.args.push_back(constant);
    }
    out.push_back(inst);
    return inst.id;
  }

  Result<void> rewrite_block(std::uint32_t b) {
    std::vector<Inst> out;
    for (const auto& phi : p_.blocks[b].phis)
      if (is_large_value(phi.type))
        out.push_back(make_copy(places_[phi.id], incoming_[phi.id], phi.type));
    std::vector<Inst> body = std::move(p_.blocks[b].body);
    for (auto& inst : body) SOKR_TRY(rewrite(inst, out));
    p_.blocks[b].body = std::move(out);
    return {};
  }

  Result<void> rewrite(Inst& inst, std::vector<Inst>& out) {
    const bool large = inst.id && is_large_value(inst.type);
    switch (inst.op) {
      case spv::Op::OpUndef:
        if (large) return {};
        break;
      case spv::Op::OpLoad:
        if (!large) break;
        if (places_[inst.id] != inst.args[0])
          out.push_back(make_copy(places_[inst.id], inst.args[0], inst.type));
        return {};
      case spv::Op::OpStore: {
        const Id type = p_.type_of(inst.args[1]);
        if (!is_large_value(type)) break;
        out.push_back(make_store(inst.args[0], inst.args[1], type));
        return {};
      }
      case spv::Op::OpCopyMemory: {
        const Id type = pointee_of(inst.args[0]);
        if (!is_large_value(type)) break;
        out.push_back(make_copy(inst.args[0], inst.args[1], type));
        return {};
      }
      case spv::Op::OpCopyObject:
      case spv::Op::OpCopyLogical:
        if (large) return rewrite_view(inst, {}, out);
        break;
      case spv::Op::OpCompositeExtract:
        if (is_large_value(p_.type_of(inst.args[0])))
          return rewrite_view(inst, std::span(inst.args).subspan(1), out);
        break;
      case spv::Op::OpSelect:
        if (!large) break;
        out.push_back(make_store(places_[inst.id], inst.args[2], inst.type));
        out.push_back(
            make_copy(places_[inst.id], source_of(inst.args[1]), inst.type, inst.args[0]));
        return {};
      case spv::Op::OpCompositeConstruct:
        if (large) return rewrite_construct(inst, out);
        break;
      case spv::Op::OpCompositeInsert:
        if (large) return rewrite_insert(inst, out);
        break;
      default:
        break;
    }
    out.push_back(std::move(inst));
    return {};
  }

  // What a copy may read: where a value lies, or a constant.
  Id source_of(Id value) const {
    value = final_constant(value);
    auto it = places_.find(value);
    return it == places_.end() ? value : it->second;
  }

  // A copy, or a part: it lies where the whole does.
  Result<void> rewrite_view(const Inst& inst, std::span<const std::uint32_t> path,
                            std::vector<Inst>& out) {
    const Id whole = final_constant(inst.args[0]);
    auto it = places_.find(whole);
    if (it == places_.end()) {
      constants_[inst.id] = part_of_constant(whole, path, inst.type);
      return {};
    }
    Id pointer = it->second;
    if (!path.empty()) {
      SOKR_ASSIGN(pointer, make_chain(pointer, path, out));
    }
    if (is_large_value(inst.type)) {
      places_[inst.id] = pointer;
      return {};
    }
    Inst load;
    load.op = spv::Op::OpLoad;
    load.type = inst.type;
    load.id = inst.id;
    load.origin = inst.origin;
    load.args = {pointer};
    out.push_back(load);
    return {};
  }

  Result<void> rewrite_construct(const Inst& inst, std::vector<Inst>& out) {
    for (std::uint32_t i = 0; i < inst.args.size(); ++i) {
      SOKR_ASSIGN(Id part, make_chain(places_[inst.id], std::array{i}, out));
      out.push_back(make_store(part, inst.args[i], p_.type_of(inst.args[i])));
    }
    return {};
  }

  Result<void> rewrite_insert(const Inst& inst, std::vector<Inst>& out) {
    out.push_back(make_store(places_[inst.id], inst.args[1], inst.type));
    SOKR_ASSIGN(Id part, make_chain(places_[inst.id], std::span(inst.args).subspan(2), out));
    out.push_back(make_store(part, inst.args[0], p_.type_of(inst.args[0])));
    return {};
  }

  // Who comes to a phi brings its value along; all of them change at once there.
  void remove_phis() {
    for (auto& block : p_.blocks) {
      for (const auto& phi : block.phis) {
        if (!is_large_value(phi.type)) continue;
        for (const auto& in : phi.incoming)
          p_.blocks[in.block].body.push_back(make_store(incoming_[phi.id], in.value, phi.type));
      }
    }
    for (auto& block : p_.blocks)
      std::erase_if(block.phis, [&](const Phi& phi) { return is_large_value(phi.type); });
  }

  // Variables that are copied as a whole, or have too many scalars for a register each, have
  // addresses.
  void mark_copied() {
    std::unordered_set<Id> copied;
    for (const auto& block : p_.blocks)
      for (const auto& inst : block.body) {
        const bool store = inst.op == spv::Op::OpStore && is_large_value(p_.type_of(inst.args[1]));
        if (store || inst.op == kCopyAggregate) copied.insert(root_of(p_, inst.args[0]));
        if (inst.op == kCopyAggregate && !p_.constant(inst.args[1]))
          copied.insert(root_of(p_, inst.args[1]));
      }
    for (auto& variable : p_.variables)
      variable.in_memory = variable.temporary || copied.contains(variable.id) ||
                           leaves_of(variable.type) > kMostInRegisters;
  }

  // ---- Limits ----

  // Straight pieces that a copy of such a type consists of: members of structures, not elements.
  std::uint64_t steps_of(Id type) {
    if (!is_large(m_, type)) return 1;
    if (auto it = pieces_.find(type); it != pieces_.end()) return it->second;
    const spirv::Type* t = m_.type(type);
    std::uint64_t sum = 1;
    if (t->kind == spirv::TypeKind::kStruct) {
      for (const auto& member : t->members) sum = std::min(sum + steps_of(member.type), kMost);
    } else {
      sum = std::min(sum + steps_of(t->element), kMost);
    }
    return pieces_[type] = sum;
  }

  std::uint64_t leaves_of(Id type) {
    if (!is_large(m_, type)) return leaf_count(m_, type);
    if (auto it = leaves_.find(type); it != leaves_.end()) return it->second;
    const spirv::Type* t = m_.type(type);
    std::uint64_t sum = 0;
    if (t->kind == spirv::TypeKind::kStruct) {
      for (const auto& member : t->members) sum = std::min(sum + leaves_of(member.type), kMost);
    } else {
      sum = std::min(leaves_of(t->element) * std::uint64_t{t->count}, kMost);
    }
    return leaves_[type] = sum;
  }

  Result<void> measure() {
    if (steps_ > kMostSteps)
      return fail(SOKR_CAPABILITY_DENIED,
                  "the kernel copies {} members of large structures one by one, the limit is {}",
                  steps_, kMostSteps);
    std::uint64_t scalars = 0;
    for (const auto& variable : p_.variables)
      scalars = std::min(scalars + leaves_of(variable.type), kMost);
    if (scalars > kMostPrivateScalars)
      return fail(SOKR_CAPABILITY_DENIED,
                  "the kernel's variables and large values take {}{} scalars of private memory in "
                  "each invocation, the limit is {}",
                  scalars == kMost ? "more than " : "", scalars, kMostPrivateScalars);
    return {};
  }

  static constexpr std::uint64_t kMost = UINT64_C(1) << 31;
  static constexpr std::uint64_t kMostInRegisters = 1024;
  static constexpr std::uint64_t kMostSteps = 4096;
  static constexpr std::uint64_t kMostPrivateScalars = UINT64_C(1) << 20;

  Program& p_;
  const spirv::Module& m_;
  bool no_alias_ = true, some_ = false;
  std::uint64_t steps_ = 0;
  std::unordered_map<Id, std::vector<Use>> uses_;  // of large values
  std::unordered_map<Id, Id> places_;              // large values -> pointers
  std::unordered_map<Id, Id> incoming_;            // large phis -> where their values arrive
  std::unordered_map<Id, Id> constants_;           // values that are constants
  std::unordered_map<Id, Id> nulls_;               // by type
  std::unordered_map<std::uint32_t, Id> indices_;
  std::unordered_map<Id, std::uint64_t> pieces_, leaves_;  // by type
};

}  // namespace

Result<void> place_aggregates(Program& program, bool assume_no_alias) {
  return Aggregates(program, assume_no_alias).run();
}

}  // namespace sokr::cpu
