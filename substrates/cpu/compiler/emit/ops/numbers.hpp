// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Scalar and vector arithmetic that several operations share: each works on one register.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_OPS_NUMBERS_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_OPS_NUMBERS_HPP_

#include <utility>

#include "compiler/emit/builder/vector_builder.hpp"

namespace sokr::cpu {

// Of a comparison; BAD_ICMP_PREDICATE for other operations.
llvm::CmpInst::Predicate predicate_of(spv::Op op);

// a * b + c, with one rounding if the instruction being emitted may be contracted.
LlvmValue* contracted(VectorBuilder& ir, LlvmValue* a, LlvmValue* b, LlvmValue* c);
LlvmValue* sum_of_products(VectorBuilder& ir, llvm::ArrayRef<LlvmValue*> v);
// The other one if one is NaN; the first of two equal ones.
LlvmValue* float_min(VectorBuilder& ir, LlvmValue* a, LlvmValue* b);
LlvmValue* float_max(VectorBuilder& ir, LlvmValue* a, LlvmValue* b);
// The fraction in [1/2, 1) and the exponent; zeros, infinities and NaN keep exponent 0.
std::pair<LlvmValue*, LlvmValue*> split_exponent(VectorBuilder& ir, LlvmValue* x);

// ---- Halves, which compute as floats where the processor has no arithmetic on them
LlvmValue* widen_half(VectorBuilder& ir, LlvmValue* value);
LlvmValue* narrow_half(VectorBuilder& ir, LlvmValue* value);
LlvmValue* to_half(VectorBuilder& ir, LlvmValue* value, std::uint32_t rounding);
// What conversions call, if they do. At the end.
void define_half_conversions(VectorBuilder& ir);

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_OPS_NUMBERS_HPP_
