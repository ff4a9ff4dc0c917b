// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Instructions of processors that LLVM has no operation of its own for, each where TargetTraits
// say that there is one.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_TARGET_INSTRUCTIONS_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_TARGET_INSTRUCTIONS_HPP_

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Intrinsics.h>

#include "compiler/target/traits.hpp"

namespace sokr::cpu {

// TargetTraits::permutes. Words of a whole register, those that `numbers` (i32) name.
llvm::Value* permuted_words(llvm::IRBuilderBase& b, llvm::Value* words, llvm::Value* numbers);

// TargetTraits::byte_dots. Words: sum + u0 * s0 + u1 * s1 + u2 * s2 + u3 * s3 of the bytes of each,
// of which `u` are unsigned and `s` signed. Vectors of 4, 8 or 16.
llvm::Value* byte_dot(llvm::IRBuilderBase& b, llvm::Value* sum, llvm::Value* u, llvm::Value* s);
bool is_byte_dot(llvm::Intrinsic::ID id);

// TargetTraits::pair_products. Words: x0 * y0 + x1 * y1 of the signed halves of each; `x` and `y`
// are vectors of i16. Results of 4, 8 or 16 words.
llvm::Value* pair_products(llvm::IRBuilderBase& b, llvm::Value* x, llvm::Value* y);

// TargetTraits::scales. x * 2^n for whole n, rounded once, of 16 floats.
llvm::Value* times_power_of_two(llvm::IRBuilderBase& b, llvm::Value* x, llvm::Value* n);

// How what follows rounds, and whether denormals are zero (FPCR: rounding alone). The sticky bits
// of exceptions do not matter.
void set_float_control(llvm::IRBuilderBase& b, FloatControl control, bool toward_zero, bool flush);

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_TARGET_INSTRUCTIONS_HPP_
