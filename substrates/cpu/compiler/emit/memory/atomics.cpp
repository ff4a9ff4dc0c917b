// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Atomic operations. A workgroup runs on one thread, so that memory of Workgroup storage
// needs no locked instructions. Invocations take their turns in order; where all of them
// meet at one address and nobody looks at the old value, they are reduced to one. Small
// arrays of counters that a kernel does nothing else with are counted in scratch memory.
#include "compiler/emit/memory/atomics.hpp"

#include "compiler/codegen/llvm_versions.hpp"
#include "compiler/emit/builder/rounding.hpp"

namespace sokr::cpu {

using llvm::AtomicOrdering;
using llvm::AtomicRMWInst;

namespace {

AtomicOrdering ordering_of(std::uint64_t semantics) {
  if (semantics & 0x10) return AtomicOrdering::SequentiallyConsistent;
  if (semantics & 0x8) return AtomicOrdering::AcquireRelease;
  if ((semantics & 0x6) == 0x6) return AtomicOrdering::AcquireRelease;
  if (semantics & 0x2) return AtomicOrdering::Acquire;
  if (semantics & 0x4) return AtomicOrdering::Release;
  return AtomicOrdering::Monotonic;
}

struct Row {
  spv::Op op;
  AtomicRMWInst::BinOp code;
};
constexpr Row kRows[] = {
    {spv::Op::OpAtomicExchange, AtomicRMWInst::Xchg},
    {spv::Op::OpAtomicIAdd, AtomicRMWInst::Add},
    {spv::Op::OpAtomicIIncrement, AtomicRMWInst::Add},
    {spv::Op::OpAtomicISub, AtomicRMWInst::Sub},
    {spv::Op::OpAtomicIDecrement, AtomicRMWInst::Sub},
    {spv::Op::OpAtomicSMin, AtomicRMWInst::Min},
    {spv::Op::OpAtomicUMin, AtomicRMWInst::UMin},
    {spv::Op::OpAtomicSMax, AtomicRMWInst::Max},
    {spv::Op::OpAtomicUMax, AtomicRMWInst::UMax},
    {spv::Op::OpAtomicAnd, AtomicRMWInst::And},
    {spv::Op::OpAtomicOr, AtomicRMWInst::Or},
    {spv::Op::OpAtomicXor, AtomicRMWInst::Xor},
    {spv::Op::OpAtomicFAddEXT, AtomicRMWInst::FAdd},
    {spv::Op::OpAtomicFMinEXT, AtomicRMWInst::FMin},
    {spv::Op::OpAtomicFMaxEXT, AtomicRMWInst::FMax},
};

AtomicRMWInst::BinOp code_of(spv::Op op) {
  for (const auto& row : kRows)
    if (row.op == op) return row.code;
  return AtomicRMWInst::BAD_BINOP;
}

LlvmValue* plain_update(llvm::IRBuilder<>& b, AtomicRMWInst::BinOp code, LlvmValue* old,
                        LlvmValue* by) {
  switch (code) {
    case AtomicRMWInst::Add:
      return b.CreateAdd(old, by);
    case AtomicRMWInst::Sub:
      return b.CreateSub(old, by);
    case AtomicRMWInst::And:
      return b.CreateAnd(old, by);
    case AtomicRMWInst::Or:
      return b.CreateOr(old, by);
    case AtomicRMWInst::Xor:
      return b.CreateXor(old, by);
    case AtomicRMWInst::Min:
      return b.CreateBinaryIntrinsic(llvm::Intrinsic::smin, old, by);
    case AtomicRMWInst::Max:
      return b.CreateBinaryIntrinsic(llvm::Intrinsic::smax, old, by);
    case AtomicRMWInst::UMin:
      return b.CreateBinaryIntrinsic(llvm::Intrinsic::umin, old, by);
    case AtomicRMWInst::UMax:
      return b.CreateBinaryIntrinsic(llvm::Intrinsic::umax, old, by);
    case AtomicRMWInst::FAdd:
      return b.CreateFAdd(old, by);
    case AtomicRMWInst::FMin:
    case AtomicRMWInst::FMax: {
      LlvmValue* less =
          code == AtomicRMWInst::FMin ? b.CreateFCmpOLT(by, old) : b.CreateFCmpOLT(old, by);
      LlvmValue* take = b.CreateOr(less, b.CreateFCmpUNO(old, old));
      return b.CreateSelect(take, by, old);
    }
    default:
      return by;
  }
}

// What changes nothing.
llvm::Constant* identity_of(AtomicRMWInst::BinOp code, LlvmType* type) {
  unsigned bits = type->getScalarSizeInBits();
  switch (code) {
    case AtomicRMWInst::Add:
    case AtomicRMWInst::Sub:
    case AtomicRMWInst::Or:
    case AtomicRMWInst::Xor:
    case AtomicRMWInst::UMax:
      return llvm::ConstantInt::get(type, 0);
    case AtomicRMWInst::And:
    case AtomicRMWInst::UMin:
      return llvm::Constant::getAllOnesValue(type);
    case AtomicRMWInst::Min:
      return llvm::ConstantInt::get(type, llvm::APInt::getSignedMaxValue(bits));
    case AtomicRMWInst::Max:
      return llvm::ConstantInt::get(type, llvm::APInt::getSignedMinValue(bits));
    default:
      return nullptr;
  }
}

LlvmValue* reduce_all(llvm::IRBuilder<>& b, AtomicRMWInst::BinOp code, LlvmValue* v) {
  switch (code) {
    case AtomicRMWInst::And:
      return b.CreateAndReduce(v);
    case AtomicRMWInst::Or:
      return b.CreateOrReduce(v);
    case AtomicRMWInst::Xor:
      return b.CreateXorReduce(v);
    case AtomicRMWInst::Min:
      return b.CreateIntMinReduce(v, true);
    case AtomicRMWInst::Max:
      return b.CreateIntMaxReduce(v, true);
    case AtomicRMWInst::UMin:
      return b.CreateIntMinReduce(v, false);
    case AtomicRMWInst::UMax:
      return b.CreateIntMaxReduce(v, false);
    default:
      return b.CreateAddReduce(v);
  }
}

}  // namespace

void Atomics::emit_fence(const Inst& inst) {
  const spirv::Constant* scope =
      p_.module->constant(inst.args[inst.op == spv::Op::OpControlBarrier ? 1 : 0]);
  const spirv::Constant* semantics = p_.module->constant(inst.args.back());
  if (!scope || !semantics) return;
  bool ordered = semantics->bits & 0x1e;
  bool shared = scope->bits <= static_cast<std::uint64_t>(spv::Scope::Device) ||
                scope->bits == static_cast<std::uint64_t>(spv::Scope::QueueFamily);
  if (!ordered || !shared) return;
  b_.CreateFence(semantics->bits & 0x10 ? AtomicOrdering::SequentiallyConsistent
                                        : AtomicOrdering::AcquireRelease);
}

// How the kernel's floats are rounded and flushed decides how their updates are made.
void Atomics::plan_float_update(AtomicPlan& plan) const {
  const auto code = code_of(plan.op);
  if (code != AtomicRMWInst::FAdd && code != AtomicRMWInst::FMin && code != AtomicRMWInst::FMax)
    return;
  const FloatModes modes = float_modes(*p_.entry);
  plan.flushes = modes.flushes(plan.type->getScalarSizeInBits());
  plan.rounds_exactly =
      code == AtomicRMWInst::FAdd && plan.type->isHalfTy() && modes.exact_halves();
  // The others so that NaN is treated as everywhere else.
  plan.exchanges = code != AtomicRMWInst::FAdd || plan.flushes || plan.rounds_exactly;
}

// What is stored where `old` was.
LlvmValue* Atomics::updated(const AtomicPlan& plan, LlvmValue* old, LlvmValue* by) {
  LlvmValue* next = nullptr;
  if (plan.rounds_exactly) {
    // The sum of two halves is exact in double.
    const AnyRounding any(b_);
    LlvmType* f64 = b_.getDoubleTy();
    LlvmValue* sum = b_.CreateFAdd(b_.CreateFPExt(old, f64), b_.CreateFPExt(by, f64));
    next = half_from_float(b_, float_to_odd(b_, sum), float_modes(*p_.entry).half_toward_zero);
  } else {
    next = plain_update(b_, code_of(plan.op), old, by);
  }
  return plan.flushes ? flushed(b_, next) : next;
}

// One access at a scalar address.
LlvmValue* Atomics::atomic_access(const AtomicPlan& plan, LlvmValue* pointer, LlvmValue* value,
                                  LlvmValue* comparator) {
  LlvmType* type = plan.type;
  llvm::Align align(type->getPrimitiveSizeInBits() / 8);
  if (plan.plain) {
    auto* old = b_.CreateAlignedLoad(type, pointer, align);
    if (plan.op == spv::Op::OpAtomicLoad) return old;
    LlvmValue* next = value;
    if (plan.op == spv::Op::OpAtomicCompareExchange)
      next = b_.CreateSelect(b_.CreateICmpEQ(old, comparator), value, old);
    else if (plan.op != spv::Op::OpAtomicStore)
      next = updated(plan, old, value);
    b_.CreateAlignedStore(next, pointer, align);
    return old;
  }
  AtomicOrdering order = ordering_of(plan.semantics);
  if (plan.op == spv::Op::OpAtomicLoad) {
    bool release = order == AtomicOrdering::Release || order == AtomicOrdering::AcquireRelease;
    auto* load = b_.CreateAlignedLoad(type, pointer, align, true);
    load->setAtomic(release ? AtomicOrdering::Acquire : order);
    return load;
  }
  if (plan.op == spv::Op::OpAtomicStore) {
    bool acquire = order == AtomicOrdering::Acquire || order == AtomicOrdering::AcquireRelease;
    auto* store = b_.CreateAlignedStore(value, pointer, align, true);
    store->setAtomic(acquire ? AtomicOrdering::Release : order);
    return nullptr;
  }
  if (plan.op == spv::Op::OpAtomicCompareExchange) {
    auto* pair = b_.CreateAtomicCmpXchg(pointer, comparator, value, align,
                                        AtomicOrdering::SequentiallyConsistent,
                                        AtomicOrdering::SequentiallyConsistent);
    return b_.CreateExtractValue(pair, 0);
  }
  if (!plan.exchanges) return b_.CreateAtomicRMW(code_of(plan.op), pointer, value, align, order);
  LlvmType* bits = b_.getIntNTy(type->getScalarSizeInBits());
  auto* first = b_.CreateAlignedLoad(bits, pointer, align);
  first->setAtomic(AtomicOrdering::Monotonic);
  BasicBlock* before = b_.GetInsertBlock();
  BasicBlock* loop = BasicBlock::Create(cx_, "retry", at_.function);
  BasicBlock* done = BasicBlock::Create(cx_, "updated", at_.function);
  b_.CreateBr(loop);
  b_.SetInsertPoint(loop);
  llvm::PHINode* old = b_.CreatePHI(bits, 2);
  LlvmValue* next = updated(plan, b_.CreateBitCast(old, type), value);
  auto* pair = b_.CreateAtomicCmpXchg(pointer, old, b_.CreateBitCast(next, bits), align,
                                      AtomicOrdering::SequentiallyConsistent,
                                      AtomicOrdering::SequentiallyConsistent);
  old->addIncoming(first, before);
  old->addIncoming(b_.CreateExtractValue(pair, 0), loop);
  b_.CreateCondBr(b_.CreateExtractValue(pair, 1), done, loop);
  b_.SetInsertPoint(done);
  return b_.CreateBitCast(old, type);
}

// The invocations of one chunk, one after the other. Operands pass through memory, where
// a lane can be picked by number.
LlvmValue* Atomics::atomic_lanes(const AtomicPlan& plan, LlvmValue* mask, LlvmValue* pointers,
                                 LlvmValue* values, LlvmValue* comparators) {
  LlvmType* i64 = b_.getInt64Ty();
  unsigned use = 0;
  const auto place_of = [&](LlvmType* type) { return b_.temporary(b_.wide(type), use++); };
  LlvmValue* result_memory = place_of(plan.type);
  LlvmValue* comparator_memory = comparators ? place_of(plan.type) : nullptr;
  LlvmValue* value_memory = values ? place_of(plan.type) : nullptr;
  LlvmValue* pointer_memory = place_of(i64);
  b_.CreateStore(b_.CreatePtrToInt(pointers, b_.wide(i64)), pointer_memory);
  if (values) b_.CreateStore(values, value_memory);
  if (comparators) b_.CreateStore(comparators, comparator_memory);
  b_.CreateStore(llvm::Constant::getNullValue(b_.wide(plan.type)), result_memory);
  LlvmValue* bits = b_.CreateZExt(b_.mask_bits(mask), i64);
  BasicBlock* before = b_.GetInsertBlock();
  BasicBlock* loop = BasicBlock::Create(cx_, "turn", at_.function);
  BasicBlock* done = BasicBlock::Create(cx_, "turns", at_.function);
  b_.CreateCondBr(b_.CreateICmpNE(bits, b_.getInt64(0)), loop, done);
  b_.SetInsertPoint(loop);
  llvm::PHINode* rest = b_.CreatePHI(i64, 2);
  rest->addIncoming(bits, before);
  LlvmValue* lane = b_.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, rest, b_.getTrue());
  auto pick = [&](LlvmValue* memory, LlvmType* type) -> LlvmValue* {
    return memory ? b_.CreateLoad(type, b_.CreateGEP(type, memory, lane)) : nullptr;
  };
  LlvmValue* pointer = b_.CreateIntToPtr(pick(pointer_memory, i64), b_.getPtrTy());
  LlvmValue* old = atomic_access(plan, pointer, pick(value_memory, plan.type),
                                 pick(comparator_memory, plan.type));
  if (old && plan.used) b_.CreateStore(old, b_.CreateGEP(plan.type, result_memory, lane));
  LlvmValue* next = b_.CreateAnd(rest, b_.CreateSub(rest, b_.getInt64(1)));
  rest->addIncoming(next, b_.GetInsertBlock());
  b_.CreateCondBr(b_.CreateICmpNE(next, b_.getInt64(0)), loop, done);
  b_.SetInsertPoint(done);
  return b_.CreateLoad(b_.wide(plan.type), result_memory);
}

// All lanes of one chunk, one after the other, with everybody there and in range.
LlvmValue* Atomics::atomic_unrolled(const AtomicPlan& plan, const Address& address,
                                    const Val* value, const Val* comparator, unsigned chunk) {
  LlvmType* i8 = b_.getInt8Ty();
  LlvmValue* start = places_.element_pointer(address, chunk, 0);
  LlvmType* step = i8;
  LlvmValues lanes;
  if (address.scale) {
    step = llvm::ArrayType::get(i8, static_cast<std::uint64_t>(address.scale));
    lanes = b_.lanes_of(b_.vector_of(address.index, chunk));
  }
  auto pick = [&](const Val* from, unsigned lane) -> LlvmValue* {
    if (!from) return nullptr;
    if (from->s.affine && from->s.ls == 0) return b_.base_of(*from, chunk);
    return b_.CreateExtractElement(b_.vector_of(*from, chunk), std::uint64_t{lane});
  };
  LlvmValue* results = llvm::Constant::getNullValue(b_.wide(plan.type));
  for (unsigned l = 0; l < g_.width; ++l) {
    LlvmValue* at =
        address.scale ? lanes[l] : b_.getInt64(static_cast<std::uint64_t>(address.offset.s.ls * l));
    LlvmValue* old =
        atomic_access(plan, b_.CreateGEP(step, start, at), pick(value, l), pick(comparator, l));
    if (old && plan.used) results = b_.CreateInsertElement(results, old, std::uint64_t{l});
  }
  return results;
}

// One chunk: without a look at single lanes if all are there and in range. `address` is
// where they then update, `robust` where the others do.
LlvmValue* Atomics::atomic_chunk(const AtomicPlan& plan, const Address& address,
                                 const AtomicPlan& robust_plan, const Address& robust,
                                 const Val* value, const Val* comparator, unsigned chunk) {
  auto size = static_cast<std::int64_t>(plan.type->getPrimitiveSizeInBits() / 8);
  auto limited = [&](const Address& a) {
    return a.space != Space::kPhysical && (a.limit || a.space == Space::kDynamic);
  };
  auto one_by_one = [&](const AtomicPlan& how, const Address& where) {
    places_.note(how.plain ? "atomic in turns, not locked" : "atomic in turns, locked");
    LlvmValue* mask = b_.mask_vector(chunk);
    if (limited(where)) mask = b_.CreateAnd(mask, places_.lane_in_bounds(where, chunk, 0, size));
    return atomic_lanes(how, mask, places_.lane_pointers(where, chunk, 0),
                        value ? b_.vector_of(*value, chunk) : nullptr,
                        comparator ? b_.vector_of(*comparator, chunk) : nullptr);
  };
  bool one_base = address.space != Space::kDynamic && address.space != Space::kPhysical &&
                  limited(address) &&
                  (address.scale ? !address.offset.s.varies_by_lane() : address.offset.s.affine);
  bool loops = !plan.plain && plan.exchanges;
  if (!one_base || loops || unrolled_lanes_ + g_.width > kMostUnrolledLanes)
    return one_by_one(robust_plan, robust);
  places_.note("atomic lane by lane, written out for all active");
  unrolled_lanes_ += g_.width;
  LlvmValue* good = nullptr;
  if (address.scale) {
    LlvmValue* bits = b_.mask_bits(
        b_.CreateAnd(b_.mask_vector(chunk), places_.lane_in_bounds(address, chunk, 0, size)));
    good = b_.CreateICmpEQ(bits, llvm::Constant::getAllOnesValue(bits->getType()));
  } else {
    good = places_.range_in_bounds(address, 0, size);
    LlvmValue* bits = b_.mask_bits(b_.mask_vector(chunk));
    good =
        b_.CreateAnd(good, b_.CreateICmpEQ(bits, llvm::Constant::getAllOnesValue(bits->getType())));
  }
  auto* known = llvm::dyn_cast<llvm::ConstantInt>(good);
  if (known && known->isOne()) return atomic_unrolled(plan, address, value, comparator, chunk);
  BasicBlock* fast = BasicBlock::Create(cx_, "everyone", at_.function);
  BasicBlock* slow = BasicBlock::Create(cx_, "someone", at_.function);
  BasicBlock* done = BasicBlock::Create(cx_, "updated", at_.function);
  b_.CreateCondBr(good, fast, slow, likely_weights(cx_));
  b_.SetInsertPoint(fast);
  LlvmValue* all = atomic_unrolled(plan, address, value, comparator, chunk);
  b_.CreateBr(done);
  b_.SetInsertPoint(slow);
  LlvmValue* some = one_by_one(robust_plan, robust);
  BasicBlock* slow_end = b_.GetInsertBlock();
  b_.CreateBr(done);
  b_.SetInsertPoint(done);
  auto* phi = b_.CreatePHI(all->getType(), 2);
  phi->addIncoming(all, fast);
  phi->addIncoming(some, slow_end);
  return phi;
}

// ---- Counters -------------------------------------------------------------------------------

namespace {

constexpr std::uint64_t kMostCounterBytes = 4096;
constexpr std::uint64_t kUniformMemory = 0x40, kOrdering = 0x1e;

// An update without order, of a kind that starts from zero and may be done in parts.
bool counts(const spirv::Module& module, const Inst& inst) {
  switch (inst.op) {
    case spv::Op::OpAtomicIAdd:
    case spv::Op::OpAtomicIIncrement:
    case spv::Op::OpAtomicISub:
    case spv::Op::OpAtomicIDecrement:
      break;
    default:
      return false;
  }
  const auto* semantics = module.constant(inst.args[2]);
  return semantics && !(semantics->bits & kOrdering);
}

bool orders_buffers(const spirv::Module& module, const Inst& inst) {
  if (inst.op != spv::Op::OpMemoryBarrier && inst.op != spv::Op::OpControlBarrier) return false;
  const auto* semantics = module.constant(inst.args.back());
  return !semantics || (semantics->bits & kUniformMemory);
}

}  // namespace

// Is this all that the kernel does with the variable: adding to elements of it, chosen by
// values, while nobody looks at them and nothing is ordered by it?
bool Atomics::only_counts(const spirv::Variable& variable) const {
  std::uint64_t sites = 0;
  const spirv::Module& module = *p_.module;
  for (const auto& block : p_.blocks) {
    for (const auto& phi : block.phis)
      for (const auto& in : phi.incoming)
        if (phi.incoming.size() > 1 && root_of(p_, in.value) == variable.id) return false;
    for (const auto& inst : block.body) {
      if (orders_buffers(module, inst)) return false;
      bool chain = inst.op == spv::Op::OpAccessChain || inst.op == spv::Op::OpInBoundsAccessChain ||
                   inst.op == spv::Op::OpCopyObject;
      bool other = false, here = false;
      visit_value_operands(inst, [&](std::size_t i) {
        if (chain || root_of(p_, inst.args[i]) != variable.id) return;
        const spirv::Type* pointer = module.type(p_.type_of(inst.args[i]));
        const spirv::Type* type = pointer ? module.type(pointer->element) : nullptr;
        bool fits = i == 0 && type && type->kind == spirv::TypeKind::kInt && type->width == 32 &&
                    counts(module, inst) && !(inst.id && values_.is_used(inst.id));
        (fits ? here : other) = true;
      });
      if (other) return false;
      if (here) ++sites;
    }
  }
  // Adding all of them up in the end must not cost more than what is counted at least.
  std::uint64_t counters = placed_size(module, {variable.pointee, {}, 0}) / 4;
  return sites > 0 && counters > 16 && counters <= 2 * sites * g_.total();
}

// Counters in scratch memory need no locked instructions. They are added to the buffer's
// once, at the end of the function: adding in other groups and in what order is nobody's
// business as long as nobody in this kernel looks.
void Atomics::plan_counters() {
  if (!b_.has(Part::kPrivateCounters)) return;
  for (Id id : p_.entry->globals) {
    const spirv::Variable* v = p_.module->variable(id);
    if (!v || v->builtin || v->aliased || v->is_volatile || v->coherent) continue;
    if (v->storage != spv::StorageClass::StorageBuffer && v->storage != spv::StorageClass::Uniform)
      continue;
    const spirv::Type* type = p_.module->type(v->pointee);
    if (!type || type->kind != spirv::TypeKind::kStruct) continue;
    if (!frame_.scope_of_binding(v->set, v->binding)) continue;
    bool shared = false;  // two views of one buffer
    for (Id other : p_.entry->globals) {
      const spirv::Variable* w = p_.module->variable(other);
      shared |= w && other != id && !w->builtin && w->storage == v->storage && w->set == v->set &&
                w->binding == v->binding;
    }
    const spirv::Type* last =
        type->members.empty() ? nullptr : p_.module->type(type->members.back().type);
    if (shared || !last || last->kind == spirv::TypeKind::kRuntimeArray) continue;
    std::uint64_t size = placed_size(*p_.module, {v->pointee, {}, 0});
    if (size > kMostCounterBytes || size % 4 || !only_counts(*v)) continue;
    counters_.push_back({id, frame_.reserve_scratch(size), size});
  }
}

void Atomics::zero_counters() {
  LlvmType* type = llvm::FixedVectorType::get(b_.getInt64Ty(), 8);
  for (const Counters& c : counters_)
    for (std::uint64_t at = 0; at < c.size; at += 64)
      b_.CreateAlignedStore(llvm::Constant::getNullValue(type),
                            b_.CreateConstGEP1_64(b_.getInt8Ty(), frame_.scratch(), c.offset + at),
                            llvm::Align(64));
}

// At the end of the function, aborted or not.
void Atomics::add_counters() {
  if (counters_.empty()) return;
  at_.leave->getTerminator()->eraseFromParent();
  b_.SetInsertPoint(at_.leave);
  LlvmType *i32 = b_.getInt32Ty(), *i64 = b_.getInt64Ty();
  for (const Counters& c : counters_) {
    Address address = addresses_.buffer_address(*p_.module->variable(c.variable), nullptr);
    LlvmValue* image = b_.CreateConstGEP1_64(b_.getInt8Ty(), frame_.scratch(), c.offset);
    BasicBlock* before = b_.GetInsertBlock();
    BasicBlock* loop = BasicBlock::Create(cx_, "counter", at_.function);
    BasicBlock* add = BasicBlock::Create(cx_, "counted", at_.function);
    BasicBlock* step = BasicBlock::Create(cx_, "next", at_.function);
    BasicBlock* done = BasicBlock::Create(cx_, "counters", at_.function);
    b_.CreateBr(loop);
    b_.SetInsertPoint(loop);
    llvm::PHINode* at = b_.CreatePHI(i64, 2);
    at->addIncoming(b_.getInt64(0), before);
    LlvmValue* count =
        b_.CreateAlignedLoad(i32, b_.CreateGEP(b_.getInt8Ty(), image, at), llvm::Align(4));
    LlvmValue* next = b_.CreateAdd(at, b_.getInt64(4));
    LlvmValue* wanted =
        b_.CreateAnd(b_.CreateICmpNE(count, b_.getInt32(0)), b_.CreateICmpULE(next, address.limit));
    b_.CreateCondBr(wanted, add, step);
    b_.SetInsertPoint(add);
    b_.CreateAtomicRMW(AtomicRMWInst::Add, b_.CreateGEP(b_.getInt8Ty(), address.base, at), count,
                       llvm::Align(4), AtomicOrdering::Monotonic);
    b_.CreateBr(step);
    b_.SetInsertPoint(step);
    at->addIncoming(next, step);
    b_.CreateCondBr(b_.CreateICmpULT(next, b_.getInt64(c.size)), loop, done);
    b_.SetInsertPoint(done);
  }
  b_.CreateRetVoid();
}

// All at one address, the old value unused: one update for all.
void Atomics::atomic_combined(const AtomicPlan& plan, const Address& address, const Val& value,
                              LlvmValue* inside) {
  auto code = code_of(plan.op);
  LlvmValue* sum = nullptr;
  auto combining = code == AtomicRMWInst::Sub ? AtomicRMWInst::Add : code;
  for (unsigned c = 0; c < g_.chunks; ++c) {
    LlvmValue* v = b_.CreateSelect(b_.mask_vector(c), b_.vector_of(value, c),
                                   identity_of(code, b_.wide(plan.type)));
    sum = sum ? plain_update(b_, combining, sum, v) : v;
  }
  LlvmValue* total = reduce_all(b_, combining, sum);
  LlvmValue* go = b_.any(at_.mask);
  if (inside) go = b_.CreateAnd(go, inside);
  BasicBlock* update = BasicBlock::Create(cx_, "update", at_.function);
  BasicBlock* done = BasicBlock::Create(cx_, "updated", at_.function);
  b_.CreateCondBr(go, update, done);
  b_.SetInsertPoint(update);
  atomic_access(plan, places_.element_pointer(address, 0, 0), total, nullptr);
  b_.CreateBr(done);
  b_.SetInsertPoint(done);
}

Leaves Atomics::emit_atomic(const Op& op) {
  const Inst& inst = op.inst;
  Address address = addresses_.address_of(inst.args[0]);
  AtomicPlan plan;
  plan.op = inst.op;
  const spirv::Type* pointer = p_.module->type(p_.type_of(inst.args[0]));
  plan.type = b_.scalar_type(pointer ? pointer->element : inst.type);
  plan.plain = address.space == Space::kWorkgroup;
  if (const auto* semantics = p_.module->constant(inst.args[2])) plan.semantics = semantics->bits;
  plan.used = inst.id && values_.is_used(inst.id);
  plan_float_update(plan);
  auto size = static_cast<std::int64_t>(plan.type->getPrimitiveSizeInBits() / 8);
  Val one = b_.constant_val(plan.type->isIntegerTy() ? llvm::ConstantInt::get(plan.type, 1)
                                                     : llvm::Constant::getNullValue(plan.type));
  const Val* value = nullptr;
  const Val* comparator = nullptr;
  switch (inst.op) {
    case spv::Op::OpAtomicIIncrement:
    case spv::Op::OpAtomicIDecrement:
      value = &one;
      break;
    case spv::Op::OpAtomicLoad:
      break;
    case spv::Op::OpAtomicCompareExchange:
      value = &op.args[4][0];
      comparator = &op.args[5][0];
      break;
    default:
      value = &op.args[3][0];
  }
  cache_.release_held(address);
  bool scalar = addresses_.is_scalar_address(address);
  bool one_place =
      scalar && address.space != Space::kDynamic && !address.offset.s.varies_by_chunk();
  Leaves out;
  if (inst.op == spv::Op::OpAtomicLoad && scalar) {
    places_.note("atomic load of one place");
    Val loaded;
    // One place for all lanes, whatever the pointer's own shape says: strides may cancel out.
    const bool by_chunk = op.shape(0).varies_by_chunk();
    loaded.s = by_chunk ? Shape::by_chunk(0) : Shape::uniform();
    for (unsigned c = 0; c < (by_chunk ? g_.chunks : 1); ++c) {
      LlvmValue* at = places_.element_pointer(address, c, 0);
      LlvmValue* inside = nullptr;
      if (address.limit || address.space == Space::kDynamic) {
        Address here = address;
        here.offset = b_.constant_val(b_.base_of(address.offset, c));
        if (!here.limit) here.limit = b_.base_of(address.size, c);
        inside = places_.range_in_bounds(here, 0, size);
        at = b_.CreateSelect(inside, at, frame_.zeros());
      } else if (!b_.is_full(at_.mask)) {
        at = b_.CreateSelect(b_.any(at_.mask), at, frame_.zeros());
      }
      loaded.v.push_back(atomic_access(plan, at, nullptr, nullptr));
    }
    return {loaded};
  }
  bool combines = b_.has(Part::kCombinedAtomics) && one_place && !plan.used && inst.id &&
                  identity_of(code_of(inst.op) == AtomicRMWInst::BAD_BINOP ? AtomicRMWInst::Xchg
                                                                           : code_of(inst.op),
                              plan.type->isIntegerTy() ? plan.type : b_.getInt32Ty()) &&
                  plan.type->isIntegerTy();
  if (combines) {
    LlvmValue* inside = address.limit ? places_.range_in_bounds(address, 0, size) : nullptr;
    places_.note("atomic combined: one for all lanes");
    atomic_combined(plan, address, *value, inside);
    return {b_.zero_val(Shape::uniform(), plan.type)};
  }
  // Where there are counters in scratch memory, whoever is among them updates those.
  Address robust = address;
  AtomicPlan robust_plan = plan;
  Id root = root_of(p_, inst.args[0]);
  for (const Counters& c : counters_) {
    if (c.variable != root || !address.scale) continue;
    address.base = b_.CreateConstGEP1_64(b_.getInt8Ty(), frame_.scratch(), c.offset);
    address.limit = b_.getInt64(c.size);
    plan.plain = true;
    places_.note("atomic on private counters");
    bool all = true;
    for (unsigned i = 0; i < g_.chunks; ++i) {
      auto* inside = llvm::dyn_cast<llvm::Constant>(places_.lane_in_bounds(address, i, 0, size));
      all = all && inside && inside->isAllOnesValue();
    }
    if (!all) continue;
    robust = address;
    robust_plan = plan;
  }
  Val results;
  // What all chunks have in common is loaded once, for whoever is there in any of them.
  const bool once = inst.op == spv::Op::OpAtomicLoad && !op.shape(0).varies_by_chunk();
  const Val mask = at_.mask;
  if (once && mask.s.varies_by_chunk()) at_.mask = b_.mask_of_any_chunk(mask);
  results.s = Shape::varying(!once && g_.chunks > 1);
  for (unsigned c = 0; c < (once ? 1 : g_.chunks); ++c)
    results.v.push_back(atomic_chunk(plan, address, robust_plan, robust, value, comparator, c));
  at_.mask = mask;
  if (!inst.id) return {};
  return {results};
}

}  // namespace sokr::cpu
