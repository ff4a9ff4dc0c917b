// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Atomic operations. A workgroup runs on one thread, so that memory of Workgroup storage
// needs no locked instructions. Invocations take their turns in order; where all of them
// meet at one address and nobody looks at the old value, they are reduced to one.
#include "compiler/emitter.hpp"
#include "compiler/transfer.hpp"

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

void Emitter::emit_fence(const Inst& inst) {
  const spirv::Constant* scope =
      p_.module->constant(inst.args[inst.op == spv::Op::OpControlBarrier ? 1 : 0]);
  const spirv::Constant* semantics = p_.module->constant(inst.args.back());
  if (!scope || !semantics) return;
  bool ordered = semantics->bits & 0x1e;
  bool shared = scope->bits <= static_cast<std::uint64_t>(spv::Scope::Device) ||
                scope->bits == static_cast<std::uint64_t>(spv::Scope::QueueFamily);
  if (ordered && shared) b_.CreateFence(AtomicOrdering::AcquireRelease);
}

// One access at a scalar address.
LlvmValue* Emitter::atomic_access(const AtomicPlan& plan, LlvmValue* pointer, LlvmValue* value,
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
      next = plain_update(b_, code_of(plan.op), old, value);
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
  AtomicRMWInst::BinOp code = code_of(plan.op);
  if (code != AtomicRMWInst::FMin && code != AtomicRMWInst::FMax)
    return b_.CreateAtomicRMW(code, pointer, value, align, order);
  // By comparing and exchanging, so that NaN is treated as everywhere else.
  LlvmType* bits = b_.getIntNTy(type->getScalarSizeInBits());
  auto* first = b_.CreateAlignedLoad(bits, pointer, align);
  first->setAtomic(AtomicOrdering::Monotonic);
  BasicBlock* before = b_.GetInsertBlock();
  BasicBlock* loop = BasicBlock::Create(cx_, "retry", fn_);
  BasicBlock* done = BasicBlock::Create(cx_, "updated", fn_);
  b_.CreateBr(loop);
  b_.SetInsertPoint(loop);
  llvm::PHINode* old = b_.CreatePHI(bits, 2);
  LlvmValue* next = plain_update(b_, code, b_.CreateBitCast(old, type), value);
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
LlvmValue* Emitter::atomic_lanes(const AtomicPlan& plan, LlvmValue* mask, LlvmValue* pointers,
                                 LlvmValue* values, LlvmValue* comparators) {
  llvm::IRBuilder<> top(entry_, entry_->begin());
  auto spill = [&](LlvmValue* v) -> LlvmValue* {
    if (!v) return nullptr;
    auto* place = top.CreateAlloca(v->getType());
    b_.CreateStore(v, place);
    return place;
  };
  LlvmType* i64 = b_.getInt64Ty();
  LlvmValue* pointer_memory = spill(b_.CreatePtrToInt(pointers, wide(i64)));
  LlvmValue* value_memory = spill(values);
  LlvmValue* comparator_memory = spill(comparators);
  LlvmValue* result_memory = spill(llvm::Constant::getNullValue(wide(plan.type)));
  LlvmValue* bits = b_.CreateZExt(mask_bits(mask), i64);
  BasicBlock* before = b_.GetInsertBlock();
  BasicBlock* loop = BasicBlock::Create(cx_, "turn", fn_);
  BasicBlock* done = BasicBlock::Create(cx_, "turns", fn_);
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
  return b_.CreateLoad(wide(plan.type), result_memory);
}

// All at one address, the old value unused: one update for all.
void Emitter::atomic_combined(const AtomicPlan& plan, const Address& address, const Val& value,
                              LlvmValue* inside) {
  auto code = code_of(plan.op);
  LlvmValue* sum = nullptr;
  auto combining = code == AtomicRMWInst::Sub ? AtomicRMWInst::Add : code;
  for (unsigned c = 0; c < g_.chunks; ++c) {
    LlvmValue* v =
        b_.CreateSelect(mask_vector(c), vector_of(value, c), identity_of(code, wide(plan.type)));
    sum = sum ? plain_update(b_, combining, sum, v) : v;
  }
  LlvmValue* total = reduce_all(b_, combining, sum);
  LlvmValue* go = any(mask_);
  if (inside) go = b_.CreateAnd(go, inside);
  BasicBlock* update = BasicBlock::Create(cx_, "update", fn_);
  BasicBlock* done = BasicBlock::Create(cx_, "updated", fn_);
  b_.CreateCondBr(go, update, done);
  b_.SetInsertPoint(update);
  atomic_access(plan, element_pointer(address, 0, 0), total, nullptr);
  b_.CreateBr(done);
  b_.SetInsertPoint(done);
}

Leaves Emitter::emit_atomic(const Op& op) {
  const Inst& inst = op.inst;
  Address address = address_of(inst.args[0]);
  AtomicPlan plan;
  plan.op = inst.op;
  const spirv::Type* pointer = p_.module->type(p_.type_of(inst.args[0]));
  plan.type = scalar_type(pointer ? pointer->element : inst.type);
  plan.plain = address.space == Space::kWorkgroup;
  if (const auto* semantics = p_.module->constant(inst.args[2])) plan.semantics = semantics->bits;
  plan.used = inst.id && used_[inst.id - bound_];
  auto size = static_cast<std::int64_t>(plan.type->getPrimitiveSizeInBits() / 8);
  Val one = constant_val(plan.type->isIntegerTy() ? llvm::ConstantInt::get(plan.type, 1)
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
  bool scalar = is_scalar_address(address);
  bool one_place =
      scalar && address.space != Space::kDynamic && !address.offset.s.varies_by_chunk();
  Leaves out;
  if (inst.op == spv::Op::OpAtomicLoad && scalar) {
    Val loaded;
    loaded.s = shape_of_leaf(op, 0);
    for (unsigned c = 0; c < (loaded.s.chunk ? g_.chunks : 1); ++c) {
      LlvmValue* at = element_pointer(address, c, 0);
      LlvmValue* inside = nullptr;
      if (address.limit || address.space == Space::kDynamic) {
        Address here = address;
        here.offset = constant_val(base_of(address.offset, c));
        if (!here.limit) here.limit = base_of(address.size, c);
        inside = range_in_bounds(here, 0, size);
        at = b_.CreateSelect(inside, at, zeros_);
      } else if (!is_full(mask_)) {
        at = b_.CreateSelect(any(mask_), at, zeros_);
      }
      loaded.v.push_back(atomic_access(plan, at, nullptr, nullptr));
    }
    return {loaded};
  }
  bool combines = one_place && !plan.used && inst.id &&
                  identity_of(code_of(inst.op) == AtomicRMWInst::BAD_BINOP ? AtomicRMWInst::Xchg
                                                                           : code_of(inst.op),
                              plan.type->isIntegerTy() ? plan.type : b_.getInt32Ty()) &&
                  plan.type->isIntegerTy();
  if (combines) {
    LlvmValue* inside = address.limit ? range_in_bounds(address, 0, size) : nullptr;
    atomic_combined(plan, address, *value, inside);
    return {zero_val(Shape::uniform(), plan.type)};
  }
  Val results;
  results.s = Shape::varying(g_.chunks > 1);
  for (unsigned c = 0; c < g_.chunks; ++c) {
    LlvmValue* mask = mask_vector(c);
    if (address.space != Space::kPhysical && (address.limit || address.space == Space::kDynamic))
      mask = b_.CreateAnd(mask, lane_in_bounds(address, c, 0, size));
    results.v.push_back(atomic_lanes(plan, mask, lane_pointers(address, c, 0),
                                     value ? vector_of(*value, c) : nullptr,
                                     comparator ? vector_of(*comparator, c) : nullptr));
  }
  if (!inst.id) return {};
  return {results};
}

}  // namespace sokr::cpu
