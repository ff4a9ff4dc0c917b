// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/emit/builder/rounding.hpp"

#include "compiler/target/instructions.hpp"

namespace sokr::cpu {

using llvm::IRBuilderBase;
using llvm::Value;

namespace {

llvm::Constant* number(llvm::Type* type, std::uint64_t value) {
  return llvm::ConstantInt::get(type,
                                llvm::APInt(64, value).zextOrTrunc(type->getScalarSizeInBits()));
}

Value* metadata(IRBuilderBase& b, const char* text) {
  llvm::LLVMContext& context = b.getContext();
  return llvm::MetadataAsValue::get(context, llvm::MDString::get(context, text));
}

Value* constrained(IRBuilderBase& b, llvm::Intrinsic::ID id, llvm::ArrayRef<Value*> operands) {
  llvm::SmallVector<Value*, 5> all(operands.begin(), operands.end());
  all.push_back(metadata(b, "round.dynamic"));
  all.push_back(metadata(b, "fpexcept.ignore"));
  llvm::CallInst* call = b.CreateIntrinsic(id, {operands[0]->getType()}, all);
  call->addFnAttr(llvm::Attribute::StrictFP);
  return call;
}

Value* magnitude(IRBuilderBase& b, Value* x) {
  return b.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, x);
}

llvm::Type* integers_of(Value* x) {
  return x->getType()->getWithNewType(
      llvm::Type::getIntNTy(x->getContext(), x->getType()->getScalarSizeInBits()));
}

}  // namespace

Value* float_operation(IRBuilderBase& b, llvm::Instruction::BinaryOps code, Value* x, Value* y) {
  using llvm::Instruction;
  switch (code) {
    case Instruction::FAdd:
      return b.CreateFAdd(x, y);
    case Instruction::FSub:
      return b.CreateFSub(x, y);
    case Instruction::FMul:
      return b.CreateFMul(x, y);
    case Instruction::FDiv:
      return b.CreateFDiv(x, y);
    default:
      return b.CreateBinOp(code, x, y);
  }
}

Value* square_root(IRBuilderBase& b, Value* x) {
  if (b.getIsFPConstrained())
    return constrained(b, llvm::Intrinsic::experimental_constrained_sqrt, {x});
  return b.CreateUnaryIntrinsic(llvm::Intrinsic::sqrt, x);
}

Value* multiply_add(IRBuilderBase& b, Value* x, Value* y, Value* z) {
  if (b.getIsFPConstrained())
    return constrained(b, llvm::Intrinsic::experimental_constrained_fma, {x, y, z});
  return b.CreateIntrinsic(llvm::Intrinsic::fma, {x->getType()}, {x, y, z});
}

Value* called_to_nearest(IRBuilderBase& b, Value* given, FloatControl control, bool flush) {
  auto* call = llvm::cast<llvm::CallInst>(given);
  llvm::Function* callee = call->getCalledFunction();
  const std::string name = (callee->getName() + ".nearest").str();
  llvm::Module& module = *callee->getParent();
  llvm::Function* wrapper = module.getFunction(name);
  if (!wrapper) {
    wrapper = llvm::Function::Create(callee->getFunctionType(), llvm::GlobalValue::InternalLinkage,
                                     name, module);
    wrapper->setAttributes(callee->getAttributes());
    wrapper->setMemoryEffects(llvm::MemoryEffects::unknown());
    wrapper->setCallingConv(callee->getCallingConv());
    for (llvm::Function* function : {callee, wrapper})
      function->addFnAttr(llvm::Attribute::NoInline);
    callee->setMemoryEffects(llvm::MemoryEffects::inaccessibleMemOnly());
    const IRBuilderBase::InsertPointGuard place(b);
    b.SetInsertPoint(llvm::BasicBlock::Create(b.getContext(), "entry", wrapper));
    set_float_control(b, control, false, flush);
    llvm::SmallVector<Value*, 2> arguments;
    for (llvm::Argument& argument : wrapper->args()) arguments.push_back(&argument);
    llvm::CallInst* inner = b.CreateCall(callee, arguments);
    inner->setCallingConv(callee->getCallingConv());
    set_float_control(b, control, true, flush);
    b.CreateRet(inner);
  }
  const llvm::SmallVector<Value*, 2> arguments(call->args());
  call->eraseFromParent();
  llvm::CallInst* made = b.CreateCall(wrapper, arguments);
  made->setCallingConv(wrapper->getCallingConv());
  return made;
}

Value* half_from_float(IRBuilderBase& b, Value* x, bool toward_zero) {
  llvm::Type* i32 = integers_of(x);
  llvm::Type* i16 = i32->getWithNewBitWidth(16);
  const auto n = [&](std::uint64_t value) { return number(i32, value); };
  Value* bits = b.CreateBitCast(x, i32);
  Value* sign = b.CreateLShr(b.CreateAnd(bits, n(0x80000000)), n(16));
  Value* m = b.CreateAnd(bits, n(0x7fffffff));
  // Normal results.
  Value* rounded = m;
  if (!toward_zero) {
    Value* odd = b.CreateAnd(b.CreateLShr(m, n(13)), n(1));
    rounded = b.CreateAdd(b.CreateAdd(m, n(0xfff)), odd);
  }
  Value* normal = b.CreateLShr(b.CreateSub(rounded, n(0x38000000)), n(13));
  Value* most = n(toward_zero ? 0x7bff : 0x7c00);
  normal = b.CreateSelect(b.CreateICmpUGE(rounded, n(0x47800000)), most, normal);
  normal = b.CreateSelect(b.CreateICmpEQ(m, n(0x7f800000)), n(0x7c00), normal);
  // Denormal results: units of 2^-24.
  Value* full = b.CreateOr(b.CreateAnd(m, n(0x7fffff)), n(0x800000));
  Value* shift = b.CreateSub(n(126), b.CreateLShr(m, n(23)));
  shift = b.CreateBinaryIntrinsic(llvm::Intrinsic::umin, shift, n(31));
  Value* small = b.CreateLShr(full, shift);
  if (!toward_zero) {
    Value* rest = b.CreateSub(full, b.CreateShl(small, shift));
    Value* half_way = b.CreateLShr(b.CreateShl(n(1), shift), n(1));
    Value* tie =
        b.CreateAnd(b.CreateICmpEQ(rest, half_way), b.CreateICmpNE(b.CreateAnd(small, n(1)), n(0)));
    Value* up = b.CreateOr(b.CreateICmpUGT(rest, half_way), tie);
    small = b.CreateAdd(small, b.CreateZExt(up, i32));
  }
  Value* nan = b.CreateOr(n(0x7e00), b.CreateAnd(b.CreateLShr(m, n(13)), n(0x3ff)));
  Value* result = b.CreateSelect(b.CreateICmpULT(m, n(0x38800000)), small, normal);
  result = b.CreateSelect(b.CreateICmpUGT(m, n(0x7f800000)), nan, result);
  result = b.CreateTrunc(b.CreateOr(result, sign), i16);
  return b.CreateBitCast(result, i16->getWithNewType(llvm::Type::getHalfTy(b.getContext())));
}

// However the first step rounds.
Value* float_to_odd(IRBuilderBase& b, Value* x) {
  const AnyRounding any(b);
  llvm::Type* f32 = x->getType()->getWithNewType(llvm::Type::getFloatTy(b.getContext()));
  Value* narrow = b.CreateFPTrunc(x, f32);
  Value* back = b.CreateFPExt(narrow, x->getType());
  llvm::Type* i32 = integers_of(narrow);
  Value* bits = b.CreateBitCast(narrow, i32);
  Value* inexact = b.CreateFCmpONE(back, x);
  Value* away = b.CreateFCmpOGT(magnitude(b, back), magnitude(b, x));
  Value* toward_zero = b.CreateSelect(away, b.CreateSub(bits, number(i32, 1)), bits);
  Value* odd = b.CreateOr(toward_zero, number(i32, 1));
  return b.CreateBitCast(b.CreateSelect(inexact, odd, bits), f32);
}

Value* flushed(IRBuilderBase& b, Value* x) {
  llvm::Type* type = integers_of(x);
  const unsigned width = type->getScalarSizeInBits();
  const unsigned mantissa = width == 16 ? 10 : width == 32 ? 23 : 52;
  Value* bits = b.CreateBitCast(x, type);
  llvm::Constant* sign = number(type, std::uint64_t{1} << (width - 1));
  llvm::Constant* field =
      number(type, ((std::uint64_t{1} << (width - 1)) - 1) & ~((std::uint64_t{1} << mantissa) - 1));
  Value* tiny = b.CreateICmpEQ(b.CreateAnd(bits, field), number(type, 0));
  return b.CreateBitCast(b.CreateSelect(tiny, b.CreateAnd(bits, sign), bits), x->getType());
}

}  // namespace sokr::cpu
