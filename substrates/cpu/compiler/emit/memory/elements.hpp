// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Between elements of lanes in memory and vectors of their components: one load or store for each
// lane, and transposes.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_ELEMENTS_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_ELEMENTS_HPP_

#include "compiler/emit/memory/address.hpp"

namespace sokr::cpu {

// Are the components words that follow one another?
bool are_words_in_order(const spirv::Module& module, const std::vector<PlacedLeaf>& leaves);

class Elements {
 public:
  using LaneLoad = llvm::function_ref<LlvmValue*(LlvmType* type, unsigned lane)>;
  using LaneStore = llvm::function_ref<void(LlvmValue* value, unsigned lane)>;

  // Of registers with that many lanes.
  Elements(llvm::IRBuilder<>& builder, unsigned width) : b_(builder), width_(width) {}

  LlvmValues load_quads(const LaneLoad& load);
  LlvmValues load_words_of(unsigned count, unsigned size, const LaneLoad& load);
  void store_quads(const LlvmValues& components, const LaneStore& store);
  void store_pairs(const LlvmValues& components, const LaneStore& store);
  LlvmValue* beside(LlvmValue* x, LlvmValue* y);  // two vectors as one

 private:
  LlvmType* wide(LlvmType* scalar) const { return llvm::FixedVectorType::get(scalar, width_); }

  llvm::IRBuilder<>& b_;
  unsigned width_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_ELEMENTS_HPP_
