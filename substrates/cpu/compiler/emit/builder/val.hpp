// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What emission knows of a value.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_BUILDER_VAL_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_BUILDER_VAL_HPP_

#include "compiler/analysis/shape.hpp"
#include "compiler/target/llvm_pch.hpp"

namespace sokr::cpu {

using llvm::BasicBlock;
using LlvmType = llvm::Type;
using LlvmValue = llvm::Value;
using LlvmValues = llvm::SmallVector<LlvmValue*, 4>;

// One scalar of every invocation of the pass. See Shape: `v` holds one LLVM value, or
// one for each chunk; scalars if affine, vectors of the width if not.
struct Val {
  Shape s;
  LlvmValues v;
};
using Leaves = llvm::SmallVector<Val, 4>;

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_BUILDER_VAL_HPP_
