// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Functions that are shared, seen from the caller and from inside: of the kernel's context, the
// workgroup, the pass, and a frame in memory with the mask, the inputs and the outputs, each as
// vectors of all chunks.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_CONTROL_CALLS_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_CONTROL_CALLS_HPP_

#include <string>
#include <unordered_map>
#include <vector>

#include "compiler/emit/frame/invocation.hpp"
#include "compiler/emit/memory/register_cache.hpp"
#include "compiler/program/calls.hpp"

namespace sokr::cpu {

// A function besides the kernel, and its frame: bytes from its start for each input and output.
struct SharedFunction {
  llvm::Function* function = nullptr;
  std::vector<std::uint64_t> inputs, outputs;
  std::uint64_t frame_size = 0;
};
using SharedFunctions = std::unordered_map<Id, SharedFunction>;

class Calls : Room {
 public:
  // `shared`: what may be called; null = nothing.
  Calls(VectorBuilder& builder, Frame& frame, Invocation& invocation, Values& values,
        RegisterCache& cache, const SharedFunctions* shared)
      : Room(builder),
        frame_(frame),
        invocation_(invocation),
        values_(values),
        cache_(cache),
        shared_(shared) {}

  // ---- The caller
  void emit_call(const Inst& inst);
  void emit_call_result(const Inst& inst);  // behind the call, with nothing between

  // ---- The function: its declaration and the beginning of its body, the pass that it is called
  // for, and what it does with its frame
  SharedFunction declare(const std::string& name, const Signature& signature);
  void begin_pass();
  void emit_parameter(const Inst& inst);
  void emit_return(const Inst& inst);

 private:
  std::vector<std::uint64_t> frame_places(const std::vector<Id>& types, std::uint64_t& at);
  std::uint64_t frame_cell(LlvmType* scalar) const;
  LlvmValue* frame_place(LlvmValue* frame, std::uint64_t at);
  void write_frame(LlvmValue* frame, std::uint64_t at, const Leaves& value);
  Leaves read_frame(LlvmValue* frame, std::uint64_t at, Id type);
  Val read_frame_leaf(LlvmValue* frame, std::uint64_t& at, LlvmType* scalar);

  Frame& frame_;
  Invocation& invocation_;
  Values& values_;
  RegisterCache& cache_;
  const SharedFunctions* shared_;
  std::unordered_map<Id, LlvmValue*> frames_;  // by function
  const SharedFunction* called_ = nullptr;     // by the call just emitted
  LlvmValue* called_frame_ = nullptr;          // that call's
  SharedFunction own_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_CONTROL_CALLS_HPP_
