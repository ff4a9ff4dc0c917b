// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The function that is emitted: its arguments, what of the context and of memory it finds where,
// and how much scratch memory it needs. See sokr/cpu/kernel.hpp.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_FRAME_FRAME_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_FRAME_FRAME_HPP_

#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "compiler/emit/builder/room.hpp"

namespace sokr::cpu {

class Frame : Room {
 public:
  explicit Frame(VectorBuilder& builder) : Room(builder) {}

  // The kernel's function, with everything up to the first instruction of its body; the insertion
  // point is behind it.
  void begin_function();
  // The same for a function made by the caller, whose context and scratch memory are these.
  void begin_body(LlvmValue* context, LlvmValue* scratch);
  // Which registers LLVM may use. At the end: it depends on what else is in the module.
  void choose_registers();

  // A field of KernelContext, loaded where the function begins.
  LlvmValue* context_field(std::uint64_t offset, LlvmType* type, const char* name);
  // What of buffers and push constants is loaded there, by name; null if it is not there yet.
  LlvmValue*& loaded_at_entry(const std::string& name) { return context_fields_[name]; }
  LlvmValue* context() const { return context_; }

  LlvmValue* scratch() const { return scratch_; }
  std::uint64_t reserve_scratch(std::uint64_t bytes);  // where they begin; 64 bytes aligned
  // The same for a value of each pass. Rows of a power of two of bytes would begin in the same few
  // sets of a cache, which takes the low bits of an address to choose one, and a processor would
  // take a load for one of what was just stored in another row: each is a line further.
  std::uint64_t reserve_row(std::uint64_t bytes);
  void reserve_scratch_below(std::uint64_t end);  // others have [0, end)
  std::uint64_t scratch_size() const { return scratch_size_; }

  static constexpr std::uint64_t kZeros = 256;
  LlvmValue* zeros() const { return zeros_; }  // kZeros bytes that nobody writes
  LlvmValue* dump_place();                     // 8 bytes that nobody reads

  std::uint32_t binding_count() const { return binding_count_; }
  std::uint32_t push_size() const { return push_size_; }
  // The variable's place among the bindings, counting each element of arrays of them.
  std::uint32_t first_binding(Id variable) const { return first_binding_.at(variable); }

  // Has one of the variables at its set and binding no fixed count of descriptors?
  bool is_runtime_binding(Id variable) const { return runtime_bindings_.contains(variable); }

  // What no other memory overlaps has a scope of its own, by set and binding or by variable.
  std::optional<int> scope_of_binding(std::uint32_t set, std::uint32_t binding) const;
  std::optional<int> scope_of_variable(Id variable) const;
  // Tells LLVM so of an access in the scope (-1: in none).
  void annotate_scope(llvm::Instruction& access, int scope) const;

 private:
  std::optional<int> scope_of(std::uint64_t key) const;

  LlvmValue *context_ = nullptr, *scratch_ = nullptr;
  LlvmValue *zeros_ = nullptr, *dump_ = nullptr;
  std::unordered_map<std::string, LlvmValue*> context_fields_;
  std::uint64_t scratch_size_ = 0;
  std::uint32_t binding_count_ = 0, push_size_ = 0;
  std::unordered_map<Id, std::uint32_t> first_binding_;
  std::unordered_set<Id> runtime_bindings_;  // variables
  std::vector<llvm::MDNode*> alias_scopes_;
  llvm::MDNode* alias_domain_ = nullptr;
  std::unordered_map<std::uint64_t, int> scope_of_key_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_FRAME_FRAME_HPP_
