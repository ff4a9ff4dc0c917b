// SPDX-License-Identifier: MIT OR Apache-2.0
//
// LLVM IR that rounds as an entry point's float controls say.
//
// The processor has one rounding mode for f32 and f64, which is set while a kernel runs. LLVM
// takes it for round to nearest even, so where it is not, what rounds is written with
// constrained intrinsics of dynamic rounding, which nobody folds or moves. Halves are computed
// in a wider format and rounded by integer operations, which follow no mode; denormal results are
// flushed by integer operations too, whatever the processor does.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_BUILDER_ROUNDING_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_BUILDER_ROUNDING_HPP_

#include <sokr/cpu/kernel.hpp>

#include "compiler/program/float_modes.hpp"
#include "compiler/target/llvm_pch.hpp"
#include "compiler/target/traits.hpp"

namespace sokr::cpu {

// While it lives, instructions of `builder` may be folded and moved as if rounding were to nearest
// even: for what is exact, or does not depend on the mode.
class AnyRounding {
 public:
  explicit AnyRounding(llvm::IRBuilderBase& builder)
      : builder_(builder), was_(builder.getIsFPConstrained()) {
    builder_.setIsFPConstrained(false);
  }
  ~AnyRounding() { builder_.setIsFPConstrained(was_); }
  AnyRounding(const AnyRounding&) = delete;
  AnyRounding& operator=(const AnyRounding&) = delete;

 private:
  llvm::IRBuilderBase& builder_;
  bool was_;
};

// While it lives, what rounds follows the processor's mode, which nobody knows.
class ProcessorRounding {
 public:
  explicit ProcessorRounding(llvm::IRBuilderBase& builder) : builder_(builder) {
    builder_.setIsFPConstrained(true);
    builder_.setDefaultConstrainedRounding(llvm::RoundingMode::Dynamic);
    builder_.setDefaultConstrainedExcept(llvm::fp::ebIgnore);
    builder_.GetInsertBlock()->getParent()->addFnAttr(llvm::Attribute::StrictFP);
  }
  ~ProcessorRounding() { builder_.setIsFPConstrained(false); }
  ProcessorRounding(const ProcessorRounding&) = delete;
  ProcessorRounding& operator=(const ProcessorRounding&) = delete;

 private:
  llvm::IRBuilderBase& builder_;
};

// One of the four basic operations, as the builder rounds.
llvm::Value* float_operation(llvm::IRBuilderBase& b, llvm::Instruction::BinaryOps code,
                             llvm::Value* x, llvm::Value* y);
llvm::Value* square_root(llvm::IRBuilderBase& b, llvm::Value* x);
llvm::Value* multiply_add(llvm::IRBuilderBase& b, llvm::Value* x, llvm::Value* y, llvm::Value* z);

// The same call, made while the processor rounds to nearest even; afterwards it rounds toward zero
// again. `call` goes. Functions that reduce their argument by rounding need that. The new call is
// of a function of its own, so that nothing of the caller comes between.
llvm::Value* called_to_nearest(llvm::IRBuilderBase& b, llvm::Value* call, FloatControl control,
                               bool flush);

// f32 to f16 by integer operations alone.
llvm::Value* half_from_float(llvm::IRBuilderBase& b, llvm::Value* x, bool toward_zero);
// A double to f32, an inexact one to a neighbour whose last bit is 1: what is rounded from there
// to f16 is rounded as from x.
llvm::Value* float_to_odd(llvm::IRBuilderBase& b, llvm::Value* x);
// x without denormals, which become zeros of their sign.
llvm::Value* flushed(llvm::IRBuilderBase& b, llvm::Value* x);

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_BUILDER_ROUNDING_HPP_
