// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_TARGET_LLVM_PCH_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_TARGET_LLVM_PCH_HPP_
#include <llvm/ADT/MapVector.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/DerivedTypes.h>
#include <llvm/IR/Function.h>
#include <llvm/IR/GlobalVariable.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/Intrinsics.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/MDBuilder.h>
#include <llvm/IR/Module.h>

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>
#endif
