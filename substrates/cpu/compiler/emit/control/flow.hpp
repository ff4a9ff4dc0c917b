// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Control flow. A construct in which invocations cannot part becomes ordinary blocks. One in which
// they do is linearised: a straight sequence of its blocks; each runs under a mask, guarded by a
// branch that skips it if no invocation is there, and every edge adds its invocations to the mask
// of its target. What is likely to be taken by all is made twice (versions.cpp).
//
// On entry the cursor has the mask of whoever is there; on return it has the same mask, and the
// insertion point is behind the construct.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_CONTROL_FLOW_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_CONTROL_FLOW_HPP_

#include <unordered_map>
#include <vector>

#include "compiler/emit/control/instructions.hpp"
#include "compiler/emit/frame/passes.hpp"

namespace sokr::cpu {

class Flow : Room {
 public:
  Flow(VectorBuilder& builder, Frame& frame, Branches& branches, RegionPlan& regions,
       Values& values, LoadsAndStores& memory, RegisterCache& cache, Instructions& instructions)
      : Room(builder),
        frame_(frame),
        branches_(branches),
        regions_(regions),
        values_(values),
        memory_(memory),
        cache_(cache),
        instructions_(instructions) {}

  void emit_range(std::uint32_t construct);  // a construct, or the whole program (0)
  void emit_body(std::uint32_t block);
  void emit_exit_divergent(std::uint32_t block);

  // ---- A branch around code that nobody may be in
  struct Guard {
    BasicBlock* skip = nullptr;
    std::uint32_t scope = 0;
  };
  void open_guard(Guard& guard);
  void close_guard(Guard& guard);

  // ---- Masks of blocks
  void make_mask_slots(std::uint32_t construct);
  Slot& mask_slot(std::uint32_t block) { return mask_slots_[block]; }
  const Slot* find_mask_slot(std::uint32_t block) const;  // null: the block has none
  void add_mask_to(std::uint32_t block, const Val& mask);
  // The next block does not take over the mask of this one.
  void break_chain() { chain_.block = kNone; }

  // ---- Kernels that are to end when the host says so
  bool needs_abort_check(std::uint32_t loop) const;
  void emit_abort_check();

 private:
  bool is_divergent(std::uint32_t construct) const {
    return static_cast<bool>(a_.constructs[construct]);
  }
  // ---- Together
  void emit_uniform(std::uint32_t construct);
  void emit_exit_uniform(std::uint32_t block, std::uint32_t root, BasicBlock* leave);
  void uniform_edge(std::uint32_t from, std::uint32_t to, std::uint32_t root, BasicBlock* leave);
  BasicBlock* block_label(std::uint32_t block);
  // ---- Parted
  void emit_divergent(std::uint32_t construct);
  void emit_divergent_items(std::uint32_t construct);
  void emit_divergent_items(std::uint32_t construct, std::uint32_t first);
  void edge_divergent(std::uint32_t from, std::uint32_t to, const Val& mask);
  void add_mask(std::uint32_t block, const Val& mask);
  bool needs_guard(std::uint32_t begin, std::uint32_t end);
  Divergence tail_divergence() const;
  // ---- Both
  void load_phis(std::uint32_t block);
  void phi_edge(std::uint32_t from, std::uint32_t to, const Val& mask);
  // ---- versions.cpp
  std::size_t weight(std::uint32_t begin, std::uint32_t end) const;
  std::uint32_t way_on(std::uint32_t construct, std::uint32_t block) const;
  std::uint32_t way_past(std::uint32_t selection) const;
  bool is_steady(Id condition, std::uint32_t block, int& left) const;
  bool is_made_twice(std::uint32_t construct, std::uint32_t block) const;
  void emit_both_ways(std::uint32_t construct, std::uint32_t selection, std::uint32_t block,
                      std::uint32_t on);
  std::uint32_t tested_at(std::uint32_t loop) const;
  bool goes_round_together(std::uint32_t loop) const;
  void emit_together_loop(std::uint32_t loop, const Slot& live, BasicBlock* parted,
                          BasicBlock* leave);
  bool leaves_otherwise(std::uint32_t loop, std::uint32_t test) const;
  LlvmValue* everyone(std::uint32_t block, std::uint32_t to);
  LlvmValue* all_hold(Id condition, bool negated, std::uint32_t block, int& left);
  LlvmValue* extreme_holds(const Inst& test, bool negated);

  Frame& frame_;
  Branches& branches_;
  RegionPlan& regions_;
  Values& values_;
  LoadsAndStores& memory_;
  RegisterCache& cache_;
  Instructions& instructions_;
  std::vector<BasicBlock*> labels_;  // by block
  std::unordered_map<std::uint32_t, Slot> mask_slots_;
  struct Chain {  // the mask that the next block takes over
    std::uint32_t block = kNone;
    Val mask;
    bool narrower = false;  // than that of the block before
  } chain_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_CONTROL_FLOW_HPP_
