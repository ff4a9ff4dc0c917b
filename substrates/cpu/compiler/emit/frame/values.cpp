// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/emit/frame/values.hpp"

#include <algorithm>
#include <bit>

#include "compiler/emit/builder/composite.hpp"

namespace sokr::cpu {

using llvm::ConstantInt;
using spirv::TypeKind;

// ---- Scopes and slots ---------------------------------------------------------------

std::uint32_t Values::open_scope() {
  scope_open_.push_back(true);
  scopes_.push_back(static_cast<std::uint32_t>(scope_open_.size()) - 1);
  return scopes_.back();
}

void Values::close_scope(std::uint32_t scope) {
  scope_open_[scope] = false;
  scopes_.pop_back();
}

namespace {

// Not a bit for each lane, where masks have registers of their own: LLVM 19 turns or() of two such
// masks from bits to lanes and back without end.
LlvmType* stored_type(LlvmType* register_type, bool in_scratch, bool wide_masks) {
  if (!register_type->getScalarType()->isIntegerTy(1)) return register_type;
  unsigned bits = in_scratch ? 8 : 32;
  if (!in_scratch && (wide_masks || !register_type->isVectorTy())) return register_type;
  return register_type->getWithNewBitWidth(bits);
}

// What a value of a stored type takes of scratch memory, and where it may lie: at a multiple of it.
std::uint64_t size_in_scratch(LlvmType* stored) {
  return std::bit_ceil(stored->getPrimitiveSizeInBits().getFixedValue() / 8);
}

llvm::Align align_in_scratch(LlvmType* stored) {
  return llvm::Align(std::min<std::uint64_t>(64, size_in_scratch(stored)));
}

llvm::MaybeAlign alignment(const Slot& slot, LlvmType* stored) {
  if (!slot.in_scratch) return {};
  return align_in_scratch(stored);
}

}  // namespace

Slot Values::make_slot(const Shape& shape, LlvmType* scalar, bool in_scratch) {
  Slot slot;
  slot.shape = shape.known ? shape : Shape::uniform();
  slot.scalar = scalar;
  slot.in_scratch = in_scratch;
  unsigned count = slot.shape.chunk ? g_.chunks : 1;
  LlvmType* type =
      stored_type(slot.shape.affine ? scalar : b_.wide(scalar), in_scratch, t_.wide_masks);
  if (in_scratch) {
    slot.offset = frame_.reserve_row(size_in_scratch(type) * count * g_.passes());
    return slot;
  }
  llvm::IRBuilder<> at(at_.entry, at_.entry->begin());
  for (unsigned c = 0; c < count; ++c) slot.places.push_back(at.CreateAlloca(type));
  if (regions_.splits()) {
    llvm::IRBuilder<> after(at_.entry->getTerminator());
    for (LlvmValue* place : slot.places)
      after.CreateStore(llvm::Constant::getNullValue(type), place);
  }
  return slot;
}

LlvmValue* Values::slot_place(const Slot& slot, unsigned element, LlvmType* type, bool writes) {
  if (!slot.in_scratch) return slot.places[element];
  const std::uint64_t size = size_in_scratch(type);
  unsigned count = slot.shape.chunk ? g_.chunks : 1;
  if (at_.pass && regions_.splits() && b_.has(Part::kKeptSlots))
    return kept_.kept_place(slot.offset + size * element, size * count, type,
                            align_in_scratch(type), writes);
  return kept_.place_in_scratch(slot.offset + size * element, size * count);
}

void Values::store_slot(const Slot& slot, const Val& value, const Val* mask) {
  Val now = b_.convert(value, slot.shape);
  bool blend = mask && !b_.is_full(*mask);
  Val old = blend ? load_slot(slot) : Val{};
  for (unsigned c = 0; c < now.v.size(); ++c) {
    LlvmValue* v = now.v[c];
    if (blend) {
      LlvmValue* m = b_.blend_mask(*mask, slot.shape, c);
      v = b_.CreateSelect(m, v, old.v[c]);
    }
    LlvmType* type = stored_type(v->getType(), slot.in_scratch, t_.wide_masks);
    if (type != v->getType()) v = slot.in_scratch ? b_.CreateZExt(v, type) : b_.CreateSExt(v, type);
    b_.CreateAlignedStore(v, slot_place(slot, c, type, true), alignment(slot, type));
  }
}

Val Values::load_slot(const Slot& slot) {
  Val out;
  out.s = slot.shape;
  unsigned count = slot.shape.chunk ? g_.chunks : 1;
  LlvmType* type = slot.shape.affine ? slot.scalar : b_.wide(slot.scalar);
  LlvmType* stored = stored_type(type, slot.in_scratch, t_.wide_masks);
  for (unsigned c = 0; c < count; ++c) {
    LlvmValue* v =
        b_.CreateAlignedLoad(stored, slot_place(slot, c, stored, false), alignment(slot, stored));
    if (stored != type) v = b_.CreateICmpNE(v, llvm::Constant::getNullValue(stored));
    out.v.push_back(v);
  }
  return out;
}

void Values::reset_slot(const Slot& slot) {
  Val value = b_.zero_val(slot.shape, slot.scalar);
  bool garbage = o_.poison_inactive && !slot.scalar->isIntegerTy(1);
  if (garbage) {
    unsigned bits = static_cast<unsigned>(slot.scalar->getPrimitiveSizeInBits());
    llvm::Constant* pattern =
        ConstantInt::get(b_.getIntNTy(bits), llvm::APInt::getSplat(bits, llvm::APInt(8, 0xA5)));
    auto* scalar = llvm::cast<llvm::Constant>(b_.CreateBitCast(pattern, slot.scalar));
    for (auto& v : value.v)
      v = slot.shape.affine
              ? scalar
              : llvm::ConstantVector::getSplat(llvm::ElementCount::getFixed(g_.width), scalar);
  }
  store_slot(slot, value, nullptr);
}

void Values::reset_slots_of(std::uint32_t loop) {
  auto it = resets_.find(loop);
  if (it == resets_.end()) return;
  for (const Slot* slot : it->second)
    if (!slot->in_scratch) reset_slot(*slot);
}

Slots Values::slots_for(Id type, const Shapes& shapes, bool in_scratch) {
  std::vector<Id> types;
  leaf_types(*p_.module, type, types);
  Slots out;
  for (std::size_t i = 0; i < types.size(); ++i)
    out.push_back(make_slot(i < shapes.size() ? shapes[i] : Shape::varying(g_.chunks > 1),
                            b_.scalar_type(types[i]), in_scratch));
  return out;
}

// ---- Planning: which values need slots ------------------------------------------------

bool Values::leaves_divergent_loop(std::uint32_t from, std::uint32_t to,
                                   std::uint32_t* outermost) const {
  bool found = false;
  for (std::uint32_t c = p_.blocks[from].construct; c != kNone; c = p_.constructs[c].parent) {
    if (p_.contains(c, to)) break;
    if (p_.constructs[c].kind != ConstructKind::kLoop || !a_.constructs[c]) continue;
    if (outermost) *outermost = c;
    found = true;
  }
  return found;
}

// Built-in variables are computed anew wherever they are needed.
bool Values::is_rematerialised(Id id) const {
  const Inst* inst = p_.inst(id);
  if (!inst) return false;
  if (inst->op == spv::Op::OpCompositeExtract) return is_rematerialised(inst->args[0]);
  if (inst->op != spv::Op::OpLoad) return false;
  const spirv::Variable* variable = p_.module->variable(root_of(p_, inst->args[0]));
  if (!variable || !variable->builtin) return false;
  auto place = private_place(p_, inst->args[0]);
  return place && place->leaf;
}

void Values::plan_use(Id id, std::uint32_t user) {
  const Definition* def = p_.definition(id);
  if (!def || def->block == kNone) return;
  used_[id - bound_] = true;
  if (const Inst* inst = p_.inst(id);
      inst &&
      (inst->op == spv::Op::OpAccessChain || inst->op == spv::Op::OpInBoundsAccessChain ||
       inst->op == spv::Op::OpPtrAccessChain || inst->op == spv::Op::OpInBoundsPtrAccessChain ||
       (inst->op == spv::Op::OpCopyObject && root_of(p_, id)))) {
    for (Id arg : inst->args) {
      plan_use(arg, user);
      if (const Inst* sum = p_.inst(arg); sum && sum->op == spv::Op::OpIAdd)
        for (Id part : sum->args) plan_use(part, user);
      llvm::SmallVector<Id, 4> factors;
      if (has_even_steps(arg, user, factors))
        for (Id factor : factors) plan_use(factor, user);
    }
    return;
  }
  if (is_rematerialised(id)) return;
  // Who goes to where a pointer leads takes the one that it is a copy of.
  if (const spirv::Type* type = p_.module->type(def->type);
      type && type->kind == spirv::TypeKind::kPointer)
    if (const Id through = look_through(p_, id); through != id) plan_use(through, user);
  if (const Phi* phi = p_.phi(id); phi && root_of(p_, id)) {
    for (const auto& in : phi->incoming) plan_use(in.value, user);
    return;
  }
  if (def->block == user) return;
  ValueSlots& slots = value_slots_[id - bound_];
  const Shapes& shapes = a_.values[id - bound_];
  bool crosses = regions_.region_of(def->block) != regions_.region_of(user);
  std::uint32_t loop = kNone;
  if (leaves_divergent_loop(def->block, user, &loop)) {
    if (!slots.outside.empty() && (!crosses || slots.outside[0].in_scratch)) return;
    Divergence d;
    for (std::uint32_t c = p_.blocks[def->block].construct; c != p_.constructs[loop].parent;
         c = p_.constructs[c].parent)
      if (p_.constructs[c].kind == ConstructKind::kLoop) d |= a_.constructs[c];
    Shapes wider = shapes;
    for (auto& s : wider) s = widen(s, d);
    slots.outside = slots_for(def->type, wider, crosses);
    return;
  }
  bool diverges = regions_.splits() || a_.masks[def->block];
  if (!crosses && !diverges) return;
  if (!slots.inside.empty() && (!crosses || slots.inside[0].in_scratch)) return;
  slots.inside = slots_for(def->type, shapes, crosses);
}

const Slots* Values::phi_slots(Id phi) const {
  const auto found = phi_slots_.find(phi);
  return found == phi_slots_.end() ? nullptr : &found->second;
}

// The construct itself or the innermost loop around it.
std::uint32_t Values::loop_around(std::uint32_t construct) const {
  while (construct != kNone && p_.constructs[construct].kind != ConstructKind::kLoop)
    construct = p_.constructs[construct].parent;
  return construct;
}

void Values::plan_slots() {
  value_slots_.resize(p_.definitions.size());
  stored_.resize(p_.definitions.size());
  used_.resize(p_.definitions.size());
  for (std::uint32_t b = 0; b < p_.blocks.size(); ++b) {
    const Block& block = p_.blocks[b];
    for (const auto& inst : block.body)
      visit_value_operands(inst, [&](std::size_t i) { plan_use(inst.args[i], b); });
    if (block.condition) plan_use(block.condition, b);
    for (const auto& phi : block.phis) {
      if (phi.incoming.size() == 1 && root_of(p_, phi.id)) continue;
      bool crosses = false;
      for (const auto& in : phi.incoming) {
        plan_use(in.value, in.block);
        crosses |= regions_.region_of(in.block) != regions_.region_of(b);
      }
      phi_slots_[phi.id] = slots_for(phi.type, a_.values[phi.id - bound_], crosses);
    }
  }
  for (std::uint32_t b = 0; b < p_.blocks.size(); ++b) {
    std::uint32_t loop = innermost_loop(p_, b);
    const Block& block = p_.blocks[b];
    bool header = loop != kNone && p_.constructs[loop].header == b;
    for (const auto& phi : block.phis)
      if (!header)
        for (const auto& slot : phi_slots_[phi.id]) resets_[loop].push_back(&slot);
    auto plan_resets = [&](Id id) {
      if (id < bound_) return;
      ValueSlots& slots = value_slots_[id - bound_];
      for (const auto& slot : slots.inside) resets_[loop].push_back(&slot);
      if (slots.outside.empty()) return;
      std::uint32_t around = loop;  // the innermost loop around all that somebody leaves early
      for (std::uint32_t c = p_.blocks[b].construct; c != kNone; c = p_.constructs[c].parent)
        if (p_.constructs[c].kind == ConstructKind::kLoop && a_.constructs[c])
          around = loop_around(p_.constructs[c].parent);
      for (const auto& slot : slots.outside) resets_[around].push_back(&slot);
    };
    for (const auto& phi : block.phis) plan_resets(phi.id);
    for (const auto& inst : block.body)
      if (inst.id) plan_resets(inst.id);
  }
}

// ---- Values ---------------------------------------------------------------------------

LlvmValue* Values::scalar_constant(const spirv::Constant& constant) {
  LlvmType* type = b_.scalar_type(constant.type);
  if (constant.is_null || constant.is_undef) return llvm::Constant::getNullValue(type);
  unsigned bits = static_cast<unsigned>(type->getPrimitiveSizeInBits());
  llvm::APInt value(bits, constant.bits & (bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1));
  if (type->isIntegerTy()) return ConstantInt::get(cx_, value);
  return llvm::ConstantFP::get(cx_, llvm::APFloat(type->getFltSemantics(), value));
}

Leaves Values::constant_leaves(Id id) {
  const spirv::Constant* c = p_.constant(id);
  Leaves out;
  if (!c) {
    b_.internal_error(fmt::format("{} is no value", p_.module->describe(id)));
    return out;
  }
  if (!c->parts.empty()) {
    for (Id part : c->parts) {
      Leaves one = constant_leaves(part);
      out.append(one.begin(), one.end());
    }
    return out;
  }
  std::vector<Id> types;
  leaf_types(*p_.module, c->type, types);
  if (types.size() == 1 && !c->is_null) {
    out.push_back(b_.constant_val(scalar_constant(*c)));
    return out;
  }
  for (Id type : types)
    out.push_back(b_.constant_val(llvm::Constant::getNullValue(b_.scalar_type(type))));
  return out;
}

const Leaves& Values::get(Id id) {
  static const Leaves kNothing;
  if (id < bound_) {
    auto it = constants_.find(id);
    if (it != constants_.end()) return it->second;
    if (p_.module->variable(id)) {
      // For whoever uses it, wherever that is.
      llvm::IRBuilder<>::InsertPointGuard place(b_);
      b_.SetInsertPoint(at_.entry->getTerminator());
      return constants_[id] = remade_->pointer_leaves(id);
    }
    return constants_[id] = constant_leaves(id);
  }
  if (id - bound_ >= stored_.size()) {
    b_.internal_error(fmt::format("value {} does not exist", id));
    return kNothing;
  }
  const Definition* def = p_.definition(id);
  if (def->block == kNone && p_.constant(id)) {
    auto [it, fresh] = constants_.try_emplace(id);
    if (fresh) it->second = constant_leaves(id);
    return it->second;
  }
  Stored& stored = stored_[id - bound_];
  const spirv::Type* type = p_.module->type(def->type);
  bool logical = type && type->kind == TypeKind::kPointer &&
                 type->storage != spv::StorageClass::PhysicalStorageBuffer;
  const Inst* inst = p_.inst(id);
  if (logical && (root_of(p_, id) || (inst && (inst->op == spv::Op::OpAccessChain ||
                                               inst->op == spv::Op::OpPtrAccessChain ||
                                               inst->op == spv::Op::OpInBoundsAccessChain ||
                                               inst->op == spv::Op::OpInBoundsPtrAccessChain)))) {
    stored.leaves = remade_->pointer_leaves(id);
    stored.scope = kNone;
    return stored.leaves;
  }
  std::uint32_t loop = kNone;
  bool outside = def->block != kNone && leaves_divergent_loop(def->block, at_.block, &loop);
  if (!outside && stored.scope != kNone && scope_open_[stored.scope] &&
      (stored.block == kNone || (stored.block == at_.block && keep_loads_)))
    return stored.leaves;
  if (is_rematerialised(id)) {
    Leaves leaves;
    if (inst->op == spv::Op::OpLoad) {
      leaves = remade_->load_builtin(inst->args[0], inst->type);
    } else {
      Op op{*inst, {}, nullptr};
      op.args.push_back(get(inst->args[0]));
      bool done = false;
      leaves = emit_composite(b_, op, done);
    }
    const Shapes& shapes = a_.values[id - bound_];
    for (std::size_t i = 0; i < leaves.size() && i < shapes.size(); ++i)
      if (shapes[i].known) leaves[i] = b_.convert(leaves[i], shapes[i]);
    stored.leaves = std::move(leaves);
    stored.scope = outside || !keep_loads_ ? kNone : scopes_.back();
    stored.block = at_.block;
    return stored.leaves;
  }
  Slots& slots = outside ? value_slots_[id - bound_].outside : value_slots_[id - bound_].inside;
  if (slots.empty() && leaf_count(*p_.module, def->type)) {
    b_.internal_error(fmt::format("value {} ({}) of block {} is not at hand in block {}", id,
                                  inst ? spirv::op_name(inst->op) : "phi", def->block, at_.block));
    stored.leaves.clear();
    for (const auto& slot : slots_for(def->type, a_.values[id - bound_], false)) {
      reset_slot(slot);
      stored.leaves.push_back(load_slot(slot));
    }
    return stored.leaves;
  }
  Leaves loaded;
  for (const auto& slot : slots) loaded.push_back(load_slot(slot));
  stored.leaves = std::move(loaded);
  stored.scope = outside || !keep_loads_ ? kNone : scopes_.back();
  stored.block = at_.block;
  return stored.leaves;
}

void Values::set(Id id, Leaves leaves) {
  if (id < bound_) return;
  const Shapes& shapes = a_.values[id - bound_];
  const Definition* def = p_.definition(id);
  std::uint32_t count = leaf_count(*p_.module, def->type);
  if (leaves.size() != count) {
    b_.internal_error(
        fmt::format("value {} has {} components instead of {}", id, leaves.size(), count));
    std::vector<Id> types;
    leaf_types(*p_.module, def->type, types);
    leaves.clear();
    for (Id type : types) leaves.push_back(b_.zero_val(Shape::uniform(), b_.scalar_type(type)));
  }
  for (std::size_t i = 0; i < leaves.size() && i < shapes.size(); ++i)
    if (shapes[i].known) leaves[i] = b_.convert(leaves[i], shapes[i]);
  Stored& stored = stored_[id - bound_];
  stored.leaves = std::move(leaves);
  stored.scope = scopes_.back();
  stored.block = kNone;
  ValueSlots& slots = value_slots_[id - bound_];
  for (std::size_t i = 0; i < slots.inside.size(); ++i)
    store_slot(slots.inside[i], stored.leaves[i], nullptr);
  for (std::size_t i = 0; i < slots.outside.size(); ++i)
    store_slot(slots.outside[i], stored.leaves[i], &at_.mask);
}

// ---- Chunks in even steps ---------------------------------------------------------------

bool Values::has_even_steps(Id id, std::uint32_t block, llvm::SmallVectorImpl<Id>& factors) const {
  constexpr int kMostTerms = 64;  // of what the id is made of; one that is used twice counts twice
  int left = kMostTerms;
  return has_even_steps(id, block, factors, left);
}

bool Values::has_even_steps(Id id, std::uint32_t block, llvm::SmallVectorImpl<Id>& factors,
                            int& left) const {
  if (id < bound_) return true;
  if (--left < 0) return false;
  const Definition* made = p_.definition(id);
  const Shapes& shapes = a_.values[id - bound_];
  if (shapes.size() != 1 || !shapes[0].known || !shapes[0].affine) return false;
  // Behind a loop that chunks leave one by one, each has its own round's value.
  if (made->block != kNone && leaves_divergent_loop(made->block, block)) return false;
  if (!shapes[0].chunk) return shapes[0].turn == 0;
  const Inst* inst = p_.inst(id);
  const spirv::Type* type = p_.module->type(made->type);
  if (!inst || !type || type->kind != TypeKind::kInt || type->width != 32) return false;
  const auto is_factor = [&](Id other) {
    if (!shape_known(other).is_uniform()) return false;
    const Definition* by = p_.definition(other);
    return other < bound_ || by->block == kNone || !leaves_divergent_loop(by->block, block);
  };
  switch (inst->op) {
    case spv::Op::OpIAdd:
    case spv::Op::OpISub:
      return has_even_steps(inst->args[0], block, factors, left) &&
             has_even_steps(inst->args[1], block, factors, left);
    case spv::Op::OpIMul:
      for (std::size_t i : {0u, 1u})
        if (is_factor(inst->args[i])) {
          factors.push_back(inst->args[i]);
          return has_even_steps(inst->args[1 - i], block, factors, left);
        }
      return false;
    case spv::Op::OpCopyObject:
      return has_even_steps(inst->args[0], block, factors, left);
    default:
      return false;
  }
}

}  // namespace sokr::cpu
