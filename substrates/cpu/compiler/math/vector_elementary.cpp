// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/math/vector_elementary.hpp"

#include <llvm/ADT/Twine.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/Function.h>
#include <llvm/IR/Intrinsics.h>
#include <llvm/IR/Module.h>

#include <string>

#include "compiler/math/elementary.hpp"
#include "compiler/target/instructions.hpp"

namespace sokr::cpu::math {
namespace {

using llvm::IRBuilderBase;
using llvm::Value;

struct Float {
  IRBuilderBase* b;
  Value* v;
  friend Float operator+(Float x, Float y) { return {x.b, x.b->CreateFAdd(x.v, y.v)}; }
  friend Float operator-(Float x, Float y) { return {x.b, x.b->CreateFSub(x.v, y.v)}; }
  friend Float operator*(Float x, Float y) { return {x.b, x.b->CreateFMul(x.v, y.v)}; }
  friend Float operator/(Float x, Float y) { return {x.b, x.b->CreateFDiv(x.v, y.v)}; }
};

struct Double {
  IRBuilderBase* b;
  Value* v;
  friend Double operator+(Double x, Double y) { return {x.b, x.b->CreateFAdd(x.v, y.v)}; }
  friend Double operator-(Double x, Double y) { return {x.b, x.b->CreateFSub(x.v, y.v)}; }
  friend Double operator*(Double x, Double y) { return {x.b, x.b->CreateFMul(x.v, y.v)}; }
  friend Double operator/(Double x, Double y) { return {x.b, x.b->CreateFDiv(x.v, y.v)}; }
};

struct Integer {
  IRBuilderBase* b;
  Value* v;
  friend Integer operator+(Integer x, Integer y) { return {x.b, x.b->CreateAdd(x.v, y.v)}; }
  friend Integer operator-(Integer x, Integer y) { return {x.b, x.b->CreateSub(x.v, y.v)}; }
  friend Integer operator&(Integer x, Integer y) { return {x.b, x.b->CreateAnd(x.v, y.v)}; }
  friend Integer operator|(Integer x, Integer y) { return {x.b, x.b->CreateOr(x.v, y.v)}; }
  friend Integer operator^(Integer x, Integer y) { return {x.b, x.b->CreateXor(x.v, y.v)}; }
};

struct Mask {
  Value* v;
};

template <bool kFusedMultiplyAdd, bool kScalesFloats = false>
class IrOps {
 public:
  using F = Float;
  using D = Double;
  using I = Integer;
  using M = Mask;
  static constexpr bool kFused = kFusedMultiplyAdd, kScales = kScalesFloats;

  IrOps(IRBuilderBase& builder, llvm::Type* type) : b_(builder), float_(type) {
    double_ = type->getWithNewType(builder.getDoubleTy());
    int_ = type->getWithNewType(builder.getInt32Ty());
  }

  F f(float c) { return {&b_, llvm::ConstantFP::get(float_, llvm::APFloat(c))}; }
  D d(double c) { return {&b_, llvm::ConstantFP::get(double_, c)}; }
  I i(std::int32_t c) { return {&b_, llvm::ConstantInt::get(int_, static_cast<std::uint32_t>(c))}; }
  F mul_add(F x, F y, F z) { return {&b_, fused(x.v, y.v, z.v)}; }
  D mul_add(D x, D y, D z) { return {&b_, fused(x.v, y.v, z.v)}; }
  I shl(I x, int n) { return {&b_, b_.CreateShl(x.v, amount(n))}; }
  I lshr(I x, int n) { return {&b_, b_.CreateLShr(x.v, amount(n))}; }
  I ashr(I x, int n) { return {&b_, b_.CreateAShr(x.v, amount(n))}; }
  M lt(F x, F y) { return {b_.CreateFCmpOLT(x.v, y.v)}; }
  M le(F x, F y) { return {b_.CreateFCmpOLE(x.v, y.v)}; }
  M eq(F x, F y) { return {b_.CreateFCmpOEQ(x.v, y.v)}; }
  M eq(I x, I y) { return {b_.CreateICmpEQ(x.v, y.v)}; }
  M below(I x, I y) { return {b_.CreateICmpULT(x.v, y.v)}; }
  M any_of(M x, M y) { return {b_.CreateOr(x.v, y.v)}; }
  M both(M x, M y) { return {b_.CreateAnd(x.v, y.v)}; }
  M negate(M x) { return {b_.CreateNot(x.v)}; }
  F select(M m, F x, F y) { return {&b_, b_.CreateSelect(m.v, x.v, y.v)}; }
  I select(M m, I x, I y) { return {&b_, b_.CreateSelect(m.v, x.v, y.v)}; }
  I bits(F x) { return {&b_, b_.CreateBitCast(x.v, int_)}; }
  F value(I x) { return {&b_, b_.CreateBitCast(x.v, float_)}; }
  F to_float(I x) { return {&b_, b_.CreateSIToFP(x.v, float_)}; }
  D widen(F x) { return {&b_, b_.CreateFPExt(x.v, double_)}; }
  F narrow(D x) { return {&b_, b_.CreateFPTrunc(x.v, float_)}; }
  F sqrt(F x) { return {&b_, b_.CreateUnaryIntrinsic(llvm::Intrinsic::sqrt, x.v)}; }

  F scale(F x, F n) { return {&b_, times_power_of_two(b_, x.v, n.v)}; }

  template <class Pair, class Compute>
  Pair if_any(M mask, Pair current, Compute compute) {
    llvm::BasicBlock* before = b_.GetInsertBlock();
    llvm::Function* function = before->getParent();
    auto* rare = llvm::BasicBlock::Create(b_.getContext(), "rare", function);
    auto* after = llvm::BasicBlock::Create(b_.getContext(), "after", function);
    Value* any = mask.v->getType()->isVectorTy() ? b_.CreateOrReduce(mask.v) : mask.v;
    b_.CreateCondBr(any, rare, after);
    b_.SetInsertPoint(rare);
    Pair computed = compute();
    llvm::BasicBlock* computed_in = b_.GetInsertBlock();
    b_.CreateBr(after);
    b_.SetInsertPoint(after);
    auto join = [&](F x, F y) {
      llvm::PHINode* phi = b_.CreatePHI(float_, 2);
      phi->addIncoming(x.v, before);
      phi->addIncoming(y.v, computed_in);
      return F{&b_, phi};
    };
    return Pair{join(current.first, computed.first), join(current.second, computed.second)};
  }

 private:
  Value* amount(int n) { return llvm::ConstantInt::get(int_, static_cast<std::uint64_t>(n)); }
  Value* fused(Value* x, Value* y, Value* z) {
    if constexpr (kFused)
      return b_.CreateIntrinsic(llvm::Intrinsic::fma, {x->getType()}, {x, y, z});
    else
      return b_.CreateFAdd(b_.CreateFMul(x, y), z);
  }

  IRBuilderBase& b_;
  llvm::Type *float_, *double_, *int_;
};

constexpr const char* kNames[] = {"exp",  "exp2", "log",  "log2",  "pow",   "sin",
                                  "cos",  "tan",  "asin", "acos",  "atan",  "atan2",
                                  "sinh", "cosh", "tanh", "asinh", "acosh", "atanh"};

// What a function of the module computes.
struct Wanted {
  ElementaryFunction function;
  int quarters = 0;  // of a power: four times its exponent, if that is known
  unsigned arguments() const {
    const bool two = function == ElementaryFunction::kPow || function == ElementaryFunction::kAtan2;
    return two && quarters == 0 ? 2 : 1;
  }
};

template <bool kFused, bool kScales>
Value* emit_body(IRBuilderBase& builder, const Wanted& wanted, llvm::Function& function) {
  IrOps<kFused, kScales> ops(builder, function.getReturnType());
  Elementary<IrOps<kFused, kScales>> e(ops);
  Float x{&builder, function.getArg(0)};
  if (wanted.quarters != 0) return e.pow_quarters(x, wanted.quarters).v;
  auto second = [&] { return Float{&builder, function.getArg(1)}; };
  switch (wanted.function) {
    case ElementaryFunction::kExp:
      return e.exp(x).v;
    case ElementaryFunction::kExp2:
      return e.exp2(x).v;
    case ElementaryFunction::kLog:
      return e.log(x).v;
    case ElementaryFunction::kLog2:
      return e.log2(x).v;
    case ElementaryFunction::kPow:
      return e.pow(x, second()).v;
    case ElementaryFunction::kSin:
      return e.sin(x).v;
    case ElementaryFunction::kCos:
      return e.cos(x).v;
    case ElementaryFunction::kTan:
      return e.tan(x).v;
    case ElementaryFunction::kAsin:
      return e.asin(x).v;
    case ElementaryFunction::kAcos:
      return e.acos(x).v;
    case ElementaryFunction::kAtan:
      return e.atan(x).v;
    case ElementaryFunction::kAtan2:
      return e.atan2(x, second()).v;
    case ElementaryFunction::kSinh:
      return e.sinh(x).v;
    case ElementaryFunction::kCosh:
      return e.cosh(x).v;
    case ElementaryFunction::kTanh:
      return e.tanh(x).v;
    case ElementaryFunction::kAsinh:
      return e.asinh(x).v;
    case ElementaryFunction::kAcosh:
      return e.acosh(x).v;
    case ElementaryFunction::kAtanh:
      return e.atanh(x).v;
  }
  return nullptr;
}

llvm::Function* declare_function(IRBuilderBase& builder, const std::string& name, llvm::Type* type,
                                 unsigned arguments) {
  llvm::Function* caller = builder.GetInsertBlock()->getParent();
  llvm::SmallVector<llvm::Type*, 2> parameters(arguments, type);
  auto* function =
      llvm::Function::Create(llvm::FunctionType::get(type, parameters, false),
                             llvm::GlobalValue::InternalLinkage, name, caller->getParent());
  function->addFnAttrs(
      llvm::AttrBuilder(builder.getContext(), caller->getAttributes().getFnAttrs()));
  function->setCallingConv(llvm::CallingConv::Fast);
  function->setMemoryEffects(llvm::MemoryEffects::none());
  function->setDoesNotThrow();
  function->addFnAttr(llvm::Attribute::WillReturn);
  return function;
}

void write_function(IRBuilderBase& builder, const Wanted& wanted, llvm::Function* function,
                    const MathTarget& target) {
  // Reassociation or contraction would undo the exact steps of the reductions.
  IRBuilderBase::InsertPointGuard place(builder);
  IRBuilderBase::FastMathFlagGuard flags(builder);
  builder.clearFastMathFlags();
  builder.SetInsertPoint(llvm::BasicBlock::Create(builder.getContext(), "entry", function));
  constexpr unsigned kScaledLanes = 16;
  const auto* lanes = llvm::dyn_cast<llvm::FixedVectorType>(function->getReturnType());
  const bool scales = target.scales && lanes && lanes->getNumElements() == kScaledLanes;
  Value* result = !target.fused ? emit_body<false, false>(builder, wanted, *function)
                  : scales      ? emit_body<true, true>(builder, wanted, *function)
                                : emit_body<true, false>(builder, wanted, *function);
  builder.CreateRet(result);
}

// `base`.v16f for registers of 16 lanes and fused multiply-add.
llvm::Function* function_named(IRBuilderBase& builder, const llvm::Twine& base,
                               const Wanted& wanted, llvm::Type* type, const MathTarget& target,
                               IsDefinedElsewhere elsewhere) {
  unsigned width = 1;
  if (auto* vector = llvm::dyn_cast<llvm::FixedVectorType>(type)) width = vector->getNumElements();
  std::string name =
      (llvm::Twine("sokr.") + base + ".v" + llvm::Twine(width) + (target.fused ? "f" : "")).str();
  llvm::Function* function = builder.GetInsertBlock()->getModule()->getFunction(name);
  if (function) return function;
  function = declare_function(builder, name, type, wanted.arguments());
  if (elsewhere(name))
    function->setLinkage(llvm::GlobalValue::ExternalLinkage);
  else
    write_function(builder, wanted, function, target);
  return function;
}

Value* emit_call(IRBuilderBase& builder, llvm::Function* function,
                 llvm::ArrayRef<Value*> arguments) {
  llvm::CallInst* call = builder.CreateCall(function, arguments);
  call->setCallingConv(llvm::CallingConv::Fast);
  return call;
}

}  // namespace

llvm::Function* elementary_function(IRBuilderBase& builder, ElementaryFunction which,
                                    llvm::Type* type, const MathTarget& target,
                                    IsDefinedElsewhere elsewhere) {
  return function_named(builder, kNames[static_cast<std::size_t>(which)], {which}, type, target,
                        elsewhere);
}

Value* emit_elementary(IRBuilderBase& builder, ElementaryFunction which,
                       llvm::ArrayRef<Value*> arguments, const MathTarget& target,
                       IsDefinedElsewhere elsewhere) {
  llvm::Type* type = arguments.front()->getType();
  return emit_call(builder, elementary_function(builder, which, type, target, elsewhere),
                   arguments);
}

int known_quarters(const Value* exponent) {
  const auto* constant = llvm::dyn_cast<llvm::Constant>(exponent);
  if (constant && constant->getType()->isVectorTy()) constant = constant->getSplatValue();
  const auto* number = llvm::dyn_cast_or_null<llvm::ConstantFP>(constant);
  if (!number || !number->getType()->isFloatTy()) return 0;
  const float quarters = number->getValueAPF().convertToFloat() * 4;
  constexpr float kMost = 16;
  static_assert(kMost == Elementary<IrOps<true>>::kMostQuarters);
  if (!(quarters >= -kMost && quarters <= kMost)) return 0;
  const int whole = static_cast<int>(quarters);
  return static_cast<float>(whole) == quarters ? whole : 0;
}

Value* emit_power(IRBuilderBase& builder, Value* x, int quarters, const MathTarget& target) {
  llvm::Function* function =
      function_named(builder, llvm::Twine("pow.quarters.") + llvm::Twine(quarters),
                     {ElementaryFunction::kPow, quarters}, x->getType(), target,
                     [](llvm::StringRef) { return false; });
  return emit_call(builder, function, {x});
}

}  // namespace sokr::cpu::math
