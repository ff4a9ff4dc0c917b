// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/emitter.hpp"
#include "compiler/transfer.hpp"

namespace sokr::cpu {

using llvm::ConstantInt;
using spirv::TypeKind;

LlvmType* Emitter::scalar_type(Id type) const {
  const spirv::Type* t = p_.module->type(type);
  if (!t) return b_.getInt32Ty();
  switch (t->kind) {
    case TypeKind::kBool:
      return b_.getInt1Ty();
    case TypeKind::kInt:
      return b_.getIntNTy(t->width);
    case TypeKind::kFloat:
      return t->width == 16 ? b_.getHalfTy() : t->width == 64 ? b_.getDoubleTy() : b_.getFloatTy();
    case TypeKind::kVector:
    case TypeKind::kMatrix:
    case TypeKind::kArray:
      return scalar_type(t->element);
    default:
      return b_.getInt64Ty();  // pointer leaves
  }
}

// ---- Registers --------------------------------------------------------------------

LlvmValue* Emitter::base_of(const Val& value, unsigned chunk) {
  LlvmValue* v = value.v[value.s.chunk ? chunk : 0];
  if (!value.s.affine) return b_.CreateExtractElement(v, std::uint64_t{0});
  if (value.s.cs == 0 || chunk == 0) return v;
  return b_.CreateAdd(
      v, ConstantInt::get(v->getType(), static_cast<std::uint64_t>(value.s.cs * chunk), true));
}

LlvmValue* Emitter::vector_of(const Val& value, unsigned chunk) {
  if (!value.s.affine) return value.v[value.s.chunk ? chunk : 0];
  LlvmValue* splat = b_.CreateVectorSplat(g_.width, base_of(value, chunk));
  if (value.s.ls == 0) return splat;
  llvm::SmallVector<llvm::Constant*, 16> steps;
  LlvmType* type = splat->getType()->getScalarType();
  for (unsigned l = 0; l < g_.width; ++l)
    steps.push_back(ConstantInt::get(type, static_cast<std::uint64_t>(value.s.ls * l), true));
  return b_.CreateAdd(splat, llvm::ConstantVector::get(steps));
}

Val Emitter::apply(const Shape& shape, llvm::ArrayRef<const Val*> operands, ScalarFn fn) {
  Val out;
  out.s = shape;
  unsigned count = shape.chunk ? g_.chunks : 1;
  LlvmValues registers;
  for (unsigned c = 0; c < count; ++c) {
    registers.clear();
    for (const Val* operand : operands)
      registers.push_back(shape.affine ? base_of(*operand, c) : vector_of(*operand, c));
    out.v.push_back(fn(registers));
  }
  return out;
}

Val Emitter::convert(const Val& value, const Shape& shape) {
  if (value.s.affine == shape.affine && value.s.chunk == shape.chunk && value.s.ls == shape.ls &&
      value.s.cs == shape.cs)
    return {shape, value.v};
  return apply(shape, {&value}, [](llvm::ArrayRef<LlvmValue*> v) { return v[0]; });
}

Val Emitter::zero_val(const Shape& shape, LlvmType* scalar) {
  Val out;
  out.s = shape;
  LlvmType* type = shape.affine ? scalar : wide(scalar);
  out.v.assign(shape.chunk ? g_.chunks : 1, llvm::Constant::getNullValue(type));
  return out;
}

// ---- Scopes and slots ---------------------------------------------------------------

std::uint32_t Emitter::open_scope() {
  scope_open_.push_back(true);
  scopes_.push_back(static_cast<std::uint32_t>(scope_open_.size()) - 1);
  return scopes_.back();
}

std::uint64_t Emitter::reserve_scratch(std::uint64_t bytes) {
  std::uint64_t at = scratch_size_;
  scratch_size_ += (bytes + 63) & ~UINT64_C(63);
  return at;
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

}  // namespace

Slot Emitter::make_slot(const Shape& shape, LlvmType* scalar, bool in_scratch) {
  Slot slot;
  slot.shape = shape.known ? shape : Shape::uniform();
  slot.scalar = scalar;
  slot.in_scratch = in_scratch;
  unsigned count = slot.shape.chunk ? g_.chunks : 1;
  if (in_scratch) {
    slot.offset = reserve_scratch(
        std::uint64_t{64} * ((scalar->getPrimitiveSizeInBits() + 31) / 32) * count * g_.passes());
    return slot;
  }
  LlvmType* type = stored_type(slot.shape.affine ? scalar : wide(scalar), false, t_.wide_masks);
  llvm::IRBuilder<> at(entry_, entry_->begin());
  for (unsigned c = 0; c < count; ++c) slot.places.push_back(at.CreateAlloca(type));
  if (splits()) {
    llvm::IRBuilder<> after(entry_->getTerminator());
    for (LlvmValue* place : slot.places)
      after.CreateStore(llvm::Constant::getNullValue(type), place);
  }
  return slot;
}

LlvmValue* Emitter::slot_place(const Slot& slot, unsigned element, LlvmType* type, bool writes) {
  if (!slot.in_scratch) return slot.places[element];
  std::uint64_t size = std::uint64_t{64} * ((slot.scalar->getPrimitiveSizeInBits() + 31) / 32);
  unsigned count = slot.shape.chunk ? g_.chunks : 1;
  if (pass_ && splits() && has(Part::kKeptSlots))
    return kept_place(slot.offset + size * element, size * count, type, writes);
  return place_in_scratch(slot.offset + size * element, size * count);
}

void Emitter::store_slot(const Slot& slot, const Val& value, const Val* mask) {
  Val now = convert(value, slot.shape);
  bool blend = mask && !is_full(*mask);
  Val old = blend ? load_slot(slot) : Val{};
  for (unsigned c = 0; c < now.v.size(); ++c) {
    LlvmValue* v = now.v[c];
    if (blend) {
      LlvmValue* m = blend_mask(*mask, slot.shape, c);
      v = b_.CreateSelect(m, v, old.v[c]);
    }
    LlvmType* type = stored_type(v->getType(), slot.in_scratch, t_.wide_masks);
    if (type != v->getType()) v = slot.in_scratch ? b_.CreateZExt(v, type) : b_.CreateSExt(v, type);
    b_.CreateAlignedStore(v, slot_place(slot, c, type, true),
                          slot.in_scratch ? llvm::Align(64) : llvm::MaybeAlign());
  }
}

Val Emitter::load_slot(const Slot& slot) {
  Val out;
  out.s = slot.shape;
  unsigned count = slot.shape.chunk ? g_.chunks : 1;
  LlvmType* type = slot.shape.affine ? slot.scalar : wide(slot.scalar);
  LlvmType* stored = stored_type(type, slot.in_scratch, t_.wide_masks);
  for (unsigned c = 0; c < count; ++c) {
    LlvmValue* v = b_.CreateAlignedLoad(stored, slot_place(slot, c, stored, false),
                                        slot.in_scratch ? llvm::Align(64) : llvm::MaybeAlign());
    if (stored != type) v = b_.CreateICmpNE(v, llvm::Constant::getNullValue(stored));
    out.v.push_back(v);
  }
  return out;
}

// Where the value differs less than the mask, those who are there came together.
LlvmValue* Emitter::blend_mask(const Val& mask, const Shape& shape, unsigned chunk) {
  bool lanes = !shape.affine;
  if (shape.chunk || !mask.s.varies_by_chunk()) {
    if (lanes) return vector_of(mask, chunk);
    if (!mask.s.varies_by_lane()) return base_of(mask, chunk);
    LlvmValue* bits = mask_bits(vector_of(mask, chunk));
    return b_.CreateICmpNE(bits, llvm::Constant::getNullValue(bits->getType()));
  }
  if (!lanes) return any(mask);
  LlvmValue* sum = vector_of(mask, 0);
  for (unsigned c = 1; c < g_.chunks; ++c) sum = b_.CreateOr(sum, vector_of(mask, c));
  return sum;
}

void Emitter::reset_slot(const Slot& slot) {
  Val value = zero_val(slot.shape, slot.scalar);
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

void Emitter::reset_slots_of(std::uint32_t loop) {
  auto it = resets_.find(loop);
  if (it == resets_.end()) return;
  for (const Slot* slot : it->second)
    if (!slot->in_scratch) reset_slot(*slot);
}

Slots Emitter::slots_for(Id type, const Shapes& shapes, bool in_scratch) {
  std::vector<Id> types;
  leaf_types(*p_.module, type, types);
  Slots out;
  for (std::size_t i = 0; i < types.size(); ++i)
    out.push_back(make_slot(i < shapes.size() ? shapes[i] : Shape::varying(g_.chunks > 1),
                            scalar_type(types[i]), in_scratch));
  return out;
}

// ---- Planning: which values need slots ------------------------------------------------

bool Emitter::leaves_divergent_loop(std::uint32_t from, std::uint32_t to,
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
bool Emitter::is_rematerialised(Id id) const {
  const Inst* inst = p_.inst(id);
  if (!inst) return false;
  if (inst->op == spv::Op::OpCompositeExtract) return is_rematerialised(inst->args[0]);
  if (inst->op != spv::Op::OpLoad) return false;
  const spirv::Variable* variable = p_.module->variable(root_of(p_, inst->args[0]));
  if (!variable || !variable->builtin) return false;
  auto place = private_place(p_, inst->args[0]);
  return place && place->leaf;
}

void Emitter::plan_use(Id id, std::uint32_t user) {
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
  if (const Phi* phi = p_.phi(id); phi && root_of(p_, id)) {
    for (const auto& in : phi->incoming) plan_use(in.value, user);
    return;
  }
  if (def->block == user) return;
  ValueSlots& slots = value_slots_[id - bound_];
  const Shapes& shapes = a_.values[id - bound_];
  bool crosses = region_[def->block] != region_[user];
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
  bool diverges = splits() || a_.masks[def->block];
  if (!crosses && !diverges) return;
  if (!slots.inside.empty() && (!crosses || slots.inside[0].in_scratch)) return;
  slots.inside = slots_for(def->type, shapes, crosses);
}

// The construct itself or the innermost loop around it.
std::uint32_t Emitter::loop_around(std::uint32_t construct) const {
  while (construct != kNone && p_.constructs[construct].kind != ConstructKind::kLoop)
    construct = p_.constructs[construct].parent;
  return construct;
}

void Emitter::plan_slots() {
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
        crosses |= region_[in.block] != region_[b];
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

LlvmValue* Emitter::scalar_constant(const spirv::Constant& constant) {
  LlvmType* type = scalar_type(constant.type);
  if (constant.is_null || constant.is_undef) return llvm::Constant::getNullValue(type);
  unsigned bits = static_cast<unsigned>(type->getPrimitiveSizeInBits());
  llvm::APInt value(bits, constant.bits & (bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1));
  if (type->isIntegerTy()) return ConstantInt::get(cx_, value);
  return llvm::ConstantFP::get(cx_, llvm::APFloat(type->getFltSemantics(), value));
}

Leaves Emitter::constant_leaves(Id id) {
  const spirv::Constant* c = p_.constant(id);
  Leaves out;
  if (!c) {
    internal_error(fmt::format("{} is no value", p_.module->describe(id)));
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
    out.push_back(constant_val(scalar_constant(*c)));
    return out;
  }
  for (Id type : types)
    out.push_back(constant_val(llvm::Constant::getNullValue(scalar_type(type))));
  return out;
}

const Leaves& Emitter::get(Id id) {
  static const Leaves kNothing;
  if (id < bound_) {
    auto it = constants_.find(id);
    if (it != constants_.end()) return it->second;
    if (p_.module->variable(id)) {
      // For whoever uses it, wherever that is.
      llvm::IRBuilder<>::InsertPointGuard place(b_);
      b_.SetInsertPoint(entry_->getTerminator());
      return constants_[id] = pointer_leaves(id);
    }
    return constants_[id] = constant_leaves(id);
  }
  if (id - bound_ >= stored_.size()) {
    internal_error(fmt::format("value {} does not exist", id));
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
    stored.leaves = pointer_leaves(id);
    stored.scope = kNone;
    return stored.leaves;
  }
  std::uint32_t loop = kNone;
  bool outside = def->block != kNone && leaves_divergent_loop(def->block, block_, &loop);
  if (!outside && stored.scope != kNone && scope_open_[stored.scope] &&
      (stored.block == kNone || (stored.block == block_ && keep_loads_)))
    return stored.leaves;
  if (is_rematerialised(id)) {
    Leaves leaves;
    if (inst->op == spv::Op::OpLoad) {
      leaves = load_through(inst->args[0], inst->type);
    } else {
      Op op{*inst, {}, nullptr};
      op.args.push_back(get(inst->args[0]));
      bool done = false;
      leaves = emit_composite(op, done);
    }
    const Shapes& shapes = a_.values[id - bound_];
    for (std::size_t i = 0; i < leaves.size() && i < shapes.size(); ++i)
      if (shapes[i].known) leaves[i] = convert(leaves[i], shapes[i]);
    stored.leaves = std::move(leaves);
    stored.scope = outside || !keep_loads_ ? kNone : scopes_.back();
    stored.block = block_;
    return stored.leaves;
  }
  Slots& slots = outside ? value_slots_[id - bound_].outside : value_slots_[id - bound_].inside;
  if (slots.empty() && leaf_count(*p_.module, def->type)) {
    internal_error(fmt::format("value {} ({}) of block {} is not at hand in block {}", id,
                               inst ? spirv::op_name(inst->op) : "phi", def->block, block_));
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
  stored.block = block_;
  return stored.leaves;
}

void Emitter::set(Id id, Leaves leaves) {
  if (id < bound_) return;
  const Shapes& shapes = a_.values[id - bound_];
  const Definition* def = p_.definition(id);
  std::uint32_t count = leaf_count(*p_.module, def->type);
  if (leaves.size() != count) {
    internal_error(
        fmt::format("value {} has {} components instead of {}", id, leaves.size(), count));
    std::vector<Id> types;
    leaf_types(*p_.module, def->type, types);
    leaves.clear();
    for (Id type : types) leaves.push_back(zero_val(Shape::uniform(), scalar_type(type)));
  }
  for (std::size_t i = 0; i < leaves.size() && i < shapes.size(); ++i)
    if (shapes[i].known) leaves[i] = convert(leaves[i], shapes[i]);
  Stored& stored = stored_[id - bound_];
  stored.leaves = std::move(leaves);
  stored.scope = scopes_.back();
  stored.block = kNone;
  ValueSlots& slots = value_slots_[id - bound_];
  for (std::size_t i = 0; i < slots.inside.size(); ++i)
    store_slot(slots.inside[i], stored.leaves[i], nullptr);
  for (std::size_t i = 0; i < slots.outside.size(); ++i)
    store_slot(slots.outside[i], stored.leaves[i], &mask_);
}

void Emitter::internal_error(std::string sentence) {
  if (!failure_)
    failure_ = fail(SOKR_DISPATCH_FAILED, "the code generator cannot go on: {}", sentence);
}

// ---- Masks ------------------------------------------------------------------------------

bool Emitter::is_full(const Val& mask) const {
  auto* c = mask.s.is_uniform() ? llvm::dyn_cast<ConstantInt>(mask.v[0]) : nullptr;
  return c && c->isOne();
}

LlvmValue* Emitter::mask_bits(LlvmValue* mask) {
  return b_.CreateBitCast(mask, b_.getIntNTy(g_.width));
}

LlvmValue* Emitter::any(const Val& mask) {
  LlvmValue* sum = nullptr;
  for (LlvmValue* v : mask.v) sum = sum ? b_.CreateOr(sum, v) : v;
  if (mask.s.affine) return sum;
  if (auto* known = llvm::dyn_cast<llvm::Constant>(sum)) return b_.getInt1(!known->isNullValue());
  LlvmValue* bits = mask_bits(sum);
  return b_.CreateICmpNE(bits, llvm::Constant::getNullValue(bits->getType()));
}

LlvmValue* Emitter::all(const Val& mask) {
  LlvmValue* sum = nullptr;
  for (LlvmValue* v : mask.v) sum = sum ? b_.CreateAnd(sum, v) : v;
  if (mask.s.affine) return sum;
  if (auto* known = llvm::dyn_cast<llvm::Constant>(sum)) return b_.getInt1(known->isAllOnesValue());
  LlvmValue* bits = mask_bits(sum);
  return b_.CreateICmpEQ(bits, llvm::Constant::getAllOnesValue(bits->getType()));
}

Val Emitter::mask_and(const Val& a, const Val& b) {
  if (is_full(a)) return b;
  if (is_full(b)) return a;
  return apply(shape_of(merged(divergence_of(a.s), divergence_of(b.s))), {&a, &b},
               [&](llvm::ArrayRef<LlvmValue*> v) { return b_.CreateAnd(v[0], v[1]); });
}

Val Emitter::mask_or(const Val& a, const Val& b) {
  return apply(shape_of(merged(divergence_of(a.s), divergence_of(b.s))), {&a, &b},
               [&](llvm::ArrayRef<LlvmValue*> v) { return b_.CreateOr(v[0], v[1]); });
}

Val Emitter::mask_not(const Val& a) {
  return apply(a.s, {&a}, [&](llvm::ArrayRef<LlvmValue*> v) { return b_.CreateNot(v[0]); });
}

}  // namespace sokr::cpu
