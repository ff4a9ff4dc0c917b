// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A workgroup of several passes with barriers in it. The kernel is cut into regions without a
// barrier inside; each region is a loop over the passes. Constructs that hold a barrier are
// sequences of such loops: their blocks run under masks that lie in scratch memory for each pass, a
// loop goes round while any pass has someone in it. Values that cross from one region to another
// lie in scratch memory, too, and in registers while a region has loops that use them.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_CONTROL_SPLIT_KERNEL_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_CONTROL_SPLIT_KERNEL_HPP_

#include "compiler/emit/control/flow.hpp"

namespace sokr::cpu {

class SplitKernel : Room {
 public:
  SplitKernel(VectorBuilder& builder, Branches& branches, RegionPlan& regions, Values& values,
              Passes& passes, PrivateMemory& private_memory, Flow& flow)
      : Room(builder),
        branches_(branches),
        regions_(regions),
        values_(values),
        passes_(passes),
        private_memory_(private_memory),
        flow_(flow) {}

  void emit_split_kernel();

 private:
  void ensure_pass_loop();
  void leave_pass_loop();
  LlvmValue* any_pass(const Slot& slot);
  void emit_split(std::uint32_t construct);
  void emit_split_item(std::uint32_t item, std::uint32_t block);
  bool open_region(std::uint32_t block, bool at_hand, Flow::Guard& guard);
  void emit_region_item(std::uint32_t item, std::uint32_t block);

  Branches& branches_;
  RegionPlan& regions_;
  Values& values_;
  Passes& passes_;
  PrivateMemory& private_memory_;
  Flow& flow_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_CONTROL_SPLIT_KERNEL_HPP_
