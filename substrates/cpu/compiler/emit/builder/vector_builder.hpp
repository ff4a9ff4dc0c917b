// SPDX-License-Identifier: MIT OR Apache-2.0
//
// An LLVM builder for vectors of a pass: the same operation for each register of a Val, or once for
// all where they do not differ; masks; and what every part of emission asks about the kernel.
//
// Whatever it makes is straight code at the insertion point: it opens no blocks. Values that it is
// given are at hand there.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_BUILDER_VECTOR_BUILDER_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_BUILDER_VECTOR_BUILDER_HPP_

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "compiler/analysis/analysis.hpp"
#include "compiler/analysis/geometry.hpp"
#include "compiler/analysis/trace.hpp"
#include "compiler/emit/builder/cursor.hpp"
#include "compiler/target/traits.hpp"

namespace sokr::cpu {

class VectorBuilder : public llvm::IRBuilder<> {
 public:
  VectorBuilder(llvm::Module& to, const Program& of, const Analysis& known, const Geometry& shape,
                const CompileOptions& chosen, const TargetTraits& machine);

  llvm::Module& module;
  llvm::LLVMContext& context;
  const Program& program;
  const Analysis& analysis;
  const Geometry& geometry;
  const CompileOptions& options;
  const TargetTraits& target;
  const Id bound;  // ids from here on are the program's own
  Cursor at;
  std::optional<Failure> failure;  // the first; what is made after it is not used

  // The kernel cannot be compiled, by a fault of the compiler: said to the user.
  void internal_error(std::string sentence);
  bool has(Part part) const { return has_part(options, part); }
  // Is the function in the compiler's library, and may this kernel call it? See builtins.hpp.
  bool is_builtin(std::string_view name) const;
  // What is chosen, told to CompileOptions::trace.
  void note_construct(std::uint32_t construct, const char* decision) const;
  void note_variable(Id variable, const char* decision) const;

  // ---- Types
  LlvmType* scalar_type(Id type);  // of a leaf
  LlvmType* wide(LlvmType* scalar) const {
    return llvm::FixedVectorType::get(scalar, geometry.width);
  }
  unsigned row_bytes() const { return 4 * geometry.width; }  // of a register of words

  // Memory on the stack that one instruction of the program writes, reads and is done with; `use`
  // tells its several places apart. A kernel of thousands of such instructions has no more of it
  // than one of some dozens: kMostTemporaryBytes, and one place of each type and use.
  llvm::AllocaInst* temporary(LlvmType* type, unsigned use = 0);

  // ---- Values
  using ScalarFn = llvm::function_ref<LlvmValue*(llvm::ArrayRef<LlvmValue*>)>;
  // Applies `fn` to each register of the operands, scalars or vectors as `shape` says.
  Val apply(const Shape& shape, llvm::ArrayRef<const Val*> operands, ScalarFn fn);
  LlvmValue* base_of(const Val& value, unsigned chunk);  // lane 0
  LlvmValue* vector_of(const Val& value, unsigned chunk);
  Val constant_val(LlvmValue* scalar) { return {Shape::uniform(), {scalar}}; }
  Val zero_val(const Shape& shape, LlvmType* scalar);
  Val convert(const Val& value, const Shape& shape);  // the same numbers in another form
  LlvmValue* splat_like(LlvmValue* scalar, LlvmType* type);
  LlvmValue* integer_like(LlvmType* type, std::uint64_t value);

  // ---- Lanes
  LlvmValues lanes_of(LlvmValue* indices);
  LlvmValue* permuted(LlvmValue* v, LlvmValue* from);
  LlvmValue* pack_word(llvm::ArrayRef<LlvmValue*> parts);

  // ---- Masks
  bool is_full(const Val& mask) const;  // known to hold everyone?
  LlvmValue* any(const Val& mask);
  LlvmValue* all(const Val& mask);
  Val mask_and(const Val& a, const Val& b);
  Val mask_or(const Val& a, const Val& b);
  Val mask_not(const Val& a);
  LlvmValue* mask_vector(unsigned chunk) { return vector_of(at.mask, chunk); }
  LlvmValue* mask_bits(LlvmValue* mask);  // an integer with a bit for each lane
  LlvmValue* blend_mask(const Val& mask, const Shape& shape, unsigned chunk);
  // Of what is made once for all chunks: who is there in any of them.
  Val mask_of_any_chunk(const Val& mask);
  Val equals(const Val& selector, std::uint64_t literal);

 private:
  std::map<std::pair<LlvmType*, unsigned>, llvm::AllocaInst*> temporaries_;  // the last ones
  std::uint64_t temporary_bytes_ = 0;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_BUILDER_VECTOR_BUILDER_HPP_
