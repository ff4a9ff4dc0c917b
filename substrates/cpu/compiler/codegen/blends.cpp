// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/codegen/blends.hpp"

#include <llvm/ADT/SmallVector.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>

namespace sokr::cpu {
namespace {

using llvm::Value;

// Values of operations that are looked at: LLVM joins two or three.
constexpr unsigned kMostLooked = 32;

const Value* without_casts(const Value* value) {
  while (const auto* cast = llvm::dyn_cast<llvm::BitCastInst>(value)) value = cast->getOperand(0);
  return value;
}

bool is_bit_operation(const Value* value) {
  const auto* operation = llvm::dyn_cast<llvm::BinaryOperator>(value);
  return operation && operation->isBitwiseLogicOp();
}

// May an instruction read it from memory? A constant, a load, or one number for all lanes.
bool may_be_in_memory(const Value* value) {
  if (const auto* constant = llvm::dyn_cast<llvm::Constant>(value))
    return !constant->isAllOnesValue() && !constant->isNullValue();
  return llvm::isa<llvm::LoadInst, llvm::ShuffleVectorInst, llvm::CallInst>(value);
}

// Do bit operations make `made` of `kept` and of something that may be in memory?
bool are_joined(const Value* made, const Value* kept) {
  made = without_casts(made);
  kept = without_casts(kept);
  if (!is_bit_operation(made)) return false;
  bool has_kept = false, has_memory = false;
  llvm::SmallVector<const Value*, 8> open{made};
  for (unsigned looked = 0; !open.empty(); ++looked) {
    if (looked == kMostLooked) return true;
    const Value* value = open.pop_back_val();
    if (value == kept) {
      has_kept = true;
    } else if (is_bit_operation(value)) {
      for (const Value* operand : llvm::cast<llvm::User>(value)->operands())
        open.push_back(without_casts(operand));
    } else {
      has_memory |= may_be_in_memory(value);
    }
  }
  return has_kept && has_memory;
}

// Has the choice take what nothing is known of.
void keep_apart(llvm::Instruction& choice, unsigned operand) {
  Value* made = choice.getOperand(operand);
  auto* type = llvm::cast<llvm::FixedVectorType>(made->getType());
  llvm::IRBuilder<> b(&choice);
  llvm::Type* scalar = type->getScalarSizeInBits() == 64 ? b.getDoubleTy() : b.getFloatTy();
  llvm::Type* floats = llvm::FixedVectorType::get(scalar, type->getNumElements());
  Value* apart = b.CreateArithmeticFence(b.CreateBitCast(made, floats), floats);
  choice.setOperand(operand, b.CreateBitCast(apart, type));
}

}  // namespace

llvm::PreservedAnalyses BlendsPass::run(llvm::Function& function, llvm::FunctionAnalysisManager&) {
  bool changed = false;
  for (llvm::Instruction& at : llvm::instructions(function)) {
    unsigned first = 0;
    if (llvm::isa<llvm::SelectInst>(at)) {
      first = 1;
    } else if (const auto* shuffle = llvm::dyn_cast<llvm::ShuffleVectorInst>(&at);
               !shuffle || !shuffle->isSelect()) {
      continue;
    }
    auto* type = llvm::dyn_cast<llvm::FixedVectorType>(at.getType());
    if (!type || type->getScalarSizeInBits() < 32) continue;
    for (const unsigned i : {first, first + 1}) {
      if (!are_joined(at.getOperand(i), at.getOperand(2 * first + 1 - i))) continue;
      keep_apart(at, i);
      changed = true;
    }
  }
  return changed ? llvm::PreservedAnalyses::none() : llvm::PreservedAnalyses::all();
}

}  // namespace sokr::cpu
