// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Scratch memory of each pass, for what lives across barriers, and what of it is in registers while
// a region runs.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_FRAME_KEPT_SLOTS_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_FRAME_KEPT_SLOTS_HPP_

#include <map>

#include "compiler/emit/frame/frame.hpp"
#include "compiler/emit/frame/region_plan.hpp"
#include "compiler/emit/frame/slots.hpp"

namespace sokr::cpu {

class KeptSlots : Room {
 public:
  KeptSlots(VectorBuilder& builder, Frame& frame, RegionPlan& regions)
      : Room(builder), frame_(frame), regions_(regions) {}

  // The place at `offset` of scratch memory, `stride` bytes further for each pass.
  LlvmValue* place_in_scratch(std::uint64_t offset, std::uint64_t stride);
  // Where that is during this round of the loop over passes.
  LlvmValue* kept_place(std::uint64_t offset, std::uint64_t stride, LlvmType* type,
                        llvm::Align align, bool writes);
  // At the end of a round that began with block `head`: decides for each kept place.
  void put_kept_slots(BasicBlock* head);

 private:
  bool is_in_loop() const;

  Frame& frame_;
  RegionPlan& regions_;
  std::map<std::uint64_t, KeptSlot> kept_slots_;  // by offset in scratch memory
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_FRAME_KEPT_SLOTS_HPP_
