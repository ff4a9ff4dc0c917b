// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Which invocations a pass has: built-in variables, from the workgroup's number and the pass.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_FRAME_INVOCATION_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_FRAME_INVOCATION_HPP_

#include <array>

#include "compiler/emit/frame/frame.hpp"

namespace sokr::cpu {

class Invocation : Room {
 public:
  Invocation(VectorBuilder& builder, Frame& frame) : Room(builder), frame_(frame) {}

  void load_group_counts();
  LlvmValue* group_count(unsigned dimension) const { return group_count_[dimension]; }
  LlvmValue* group_id(unsigned dimension) const { return group_id_[dimension]; }
  void set_group_id(unsigned dimension, LlvmValue* id) { group_id_[dimension] = id; }

  // Inside of a loop over passes, or of a shared function.
  Val lane_index();  // the number in the workgroup
  Val builtin_leaf(spv::BuiltIn builtin, std::uint32_t leaf);

 private:
  Val local_id(unsigned dimension);
  LlvmValue* pass_base();

  Frame& frame_;
  std::array<LlvmValue*, 3> group_id_{}, group_count_{};
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_FRAME_INVOCATION_HPP_
