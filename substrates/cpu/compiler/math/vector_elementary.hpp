// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The elementary functions as LLVM IR on float or <W x float>, for any W. Each becomes
// one internal function of the module, made at its first use, so that a kernel that
// calls it twice carries it once and LLVM decides what to inline.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_MATH_VECTOR_ELEMENTARY_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_MATH_VECTOR_ELEMENTARY_HPP_

#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/STLFunctionalExtras.h>
#include <llvm/IR/IRBuilder.h>

#include <cstdint>

namespace sokr::cpu::math {

enum class ElementaryFunction : std::uint8_t {
  kExp,
  kExp2,
  kLog,
  kLog2,
  kPow,
  kSin,
  kCos,
  kTan,
  kAsin,
  kAcos,
  kAtan,
  kAtan2,
  kSinh,
  kCosh,
  kTanh,
  kAsinh,
  kAcosh,
  kAtanh,
};

inline constexpr unsigned kElementaryFunctions =
    static_cast<unsigned>(ElementaryFunction::kAtanh) + 1;

struct MathTarget {
  bool fused = false;   // multiply-add
  bool scales = false;  // AVX-512: x * 2^n of 16 lanes is an instruction
};

// Is the function of this name defined elsewhere?
using IsDefinedElsewhere = llvm::function_ref<bool(llvm::StringRef)>;

// The function on `type`: float or a vector of it. If it is new it takes over the attributes
// (target features, vector width) of the function that is being built.
llvm::Function* elementary_function(llvm::IRBuilderBase& builder, ElementaryFunction function,
                                    llvm::Type* type, const MathTarget& target,
                                    IsDefinedElsewhere elsewhere);
// Emits a call at the builder's place. All arguments have the result's type.
llvm::Value* emit_elementary(llvm::IRBuilderBase& builder, ElementaryFunction function,
                             llvm::ArrayRef<llvm::Value*> arguments, const MathTarget& target,
                             IsDefinedElsewhere elsewhere);

// Four times this exponent of a power if it is a constant that emit_power takes, else 0.
int known_quarters(const llvm::Value* exponent);
// x^(quarters / 4) by products and square roots.
llvm::Value* emit_power(llvm::IRBuilderBase& builder, llvm::Value* x, int quarters,
                        const MathTarget& target);

}  // namespace sokr::cpu::math

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_MATH_VECTOR_ELEMENTARY_HPP_
